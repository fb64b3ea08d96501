"""Ledger: every point of a community, double-entry and append-only.

Owns accounts, transfers, balances, lots and holds. A transfer debits one account and credits
another, so the book always sums to zero; a lot is what an award left to spend, with its own
expiry; a hold pins lots and posts nothing until it is captured. Whoever moves an account's
points locks its balance row first (`lock_balances`), in account order. Knows no resident and
no rule: wallets carry their owner's number, shops' accounts theirs.
"""
