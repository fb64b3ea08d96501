"""The audit: recomputes every stored figure from the transfers and names the first difference."""
