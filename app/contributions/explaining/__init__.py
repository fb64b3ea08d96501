"""Why somebody got or lost points: what was done, what it was worth, and under which rule.

Read from what was kept when the points moved, so that an explanation never changes afterwards;
only what has been undone since is added. Appeals are governance's, a floor above.
"""
