"""Points taken back: deductions for a violation, reversals of awards, what an account leaves.

The first two take free lots, then debt down to the floor; what lies below the floor is not
collected. A reversal starts with the award's own lot, and names what it reverses. Closing a
wallet takes all its lots and leaves its debt recorded.
"""
