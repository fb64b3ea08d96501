"""Gifts: points that residents give to each other, where the community's policy allows it.

The receiver shows a code, on the phone or on a paper card; nobody is looked up by name. What is
given keeps its date, and at most so many points are given in a calendar month. A greeting is
chosen, not written: free text would have to be checked before anybody may see it.
"""
