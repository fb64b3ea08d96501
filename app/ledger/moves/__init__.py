"""Points that an account gives whole or not at all: spent, donated, given on, saved.

They take the free lots that lapse first. A guarded account that receives them gets lots too,
each naming the award's lot it came from.
"""
