"""Accounts: each figure of each balance, from transfers and lots."""
