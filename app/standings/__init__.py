"""Standings: who earned how much in a period, and where that places them.

Owns each resident's score per period. A score follows awards and deductions by the date of the
act in the community's calendar, and never a spend. Rank is 1 + the residents with more points,
so equals share a place. Households, buildings and grids are sums over their residents.
"""
