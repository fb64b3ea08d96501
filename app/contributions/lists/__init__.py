"""Award lists: thousands of awards from one file, checked row by row, approved by another.

A dry run tells everything that is wrong and what would be given, and stores nothing. A list with
a fault is not taken at all. Posting goes by a thousand rows a statement and can be broken off.
"""
