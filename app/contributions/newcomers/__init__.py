"""Welcome points: who has joined gets, once, what a rule gives for joining."""
