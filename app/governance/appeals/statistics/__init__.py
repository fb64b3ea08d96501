"""How many appeals were filed and how they ended, as the public may know it."""
