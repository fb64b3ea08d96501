"""Notices: residents are told before points of theirs lapse, or are cut for lying unused.

Once for each lead time that the policy names, each account, and each month in which points
reach their last day; the first of a month name all of that month. Somebody whom no phone
reaches is not told, and not counted as told.
"""
