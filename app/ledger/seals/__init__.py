"""Seals: each transfer becomes a leaf of its community's Merkle tree; nobody changes it quietly.

`merkle`, `notes`, `entries` and `receipts` are pure: whoever checks needs nothing else of us.
"""
