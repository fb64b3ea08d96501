"""Points taken: deductions for a violation, and awards given back.

They take free lots, then what the resident has in savings, then debt down to the floor; what
lies below the floor is recorded and not collected. An award's own lot goes first.
"""
