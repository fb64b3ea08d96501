"""Transfers: each its kind's way, from a source that is there, and what was reversed of it."""
