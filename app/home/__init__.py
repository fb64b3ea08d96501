"""Home: the mini-program's first page in one call.

Owns no data; gathers what the rooms below know of the calling resident.
"""
