"""Funds: what residents give points to, for the whole neighbourhood.

Owns what a fund is for and whether it takes donations. Its points stand in the ledger, in a
guarded account that carries its number: a donation takes the donor's free points whole or not at
all, and in a fund points neither lapse nor lose value. Nothing pays points out of a fund yet.
"""
