"""Transfers undone in part or whole: linked to the original, and never more than it moved.

Points given back go the way they were taken, last first: what became debt, then the lots that
lapse last. A lot that has lapsed meanwhile lapses again, unless the office or the shop was at
fault: then its points may be used for 30 more days.
"""
