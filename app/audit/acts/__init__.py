"""Acts: contributions beside their transfers, and what boards and caps made of them."""
