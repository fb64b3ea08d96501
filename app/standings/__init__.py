"""Standings: who earned how much in a period, and where that places them.

Owns each resident's score per period. A score follows awards and deductions by the date of the
act in the community's calendar, and never a spend. Rank is 1 + the residents with more points,
so equals share a place, and those without points the last. It is read from counts of residents
per score, which a background task keeps (folding.py), and from what waits to be counted: exact at
any moment, for a few look-ups however many live here. Households, buildings and grids are sums
over their residents.
"""
