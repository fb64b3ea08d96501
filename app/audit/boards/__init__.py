"""Boards and caps: what residents' acts add up to in each period, in the community's time zone."""
