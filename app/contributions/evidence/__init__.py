"""Photos that stand behind claims, postings by hand, repairs and appeals.

A photo may stand behind several things: that somebody used one twice is for reviewers to see
(signals/), not for us to forbid.
"""
