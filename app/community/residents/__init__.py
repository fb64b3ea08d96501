"""Residents as staff find them, and what residents themselves say of who looked.

Names and phones are sealed. Staff find people by a token and see them masked; whoever opens a
value says why, and the resident can read who did.
"""
