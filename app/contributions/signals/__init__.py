"""Signals: what reviewers should look at twice, explained. They inform; people decide.

Nothing is refused, awarded or told to a resident because of a signal. Plain statistics, all of
them in measures.py: photos that look alike, acts that overlap in time, places too far apart,
reviewer and resident together unusually often, points that gather with one resident.
"""
