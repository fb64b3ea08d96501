"""Points taken back: deductions for a violation, and reversals of awards.

Both take free lots first and debt down to the floor after that; what lies below the floor is
not collected. A reversal starts with the award's own lot, and names what it reverses.
"""
