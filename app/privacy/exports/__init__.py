"""A copy of everything that is held on a resident."""
