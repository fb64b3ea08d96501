"""Looking at cases: one's own, the neighbours', a worker's list, what is near."""
