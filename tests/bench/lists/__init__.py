"""`python -m tests.bench.lists`: award lists and duties of thousands, beside the bare database."""
