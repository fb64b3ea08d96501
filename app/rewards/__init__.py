"""Rewards: what points buy, and the vouchers that prove it.

Owns the catalogue and vouchers. Redeeming holds the price in the ledger and issues a voucher;
a shop's confirmation (merchants) captures the hold, cancelling or expiry gives the same lots
back. Stock never falls below zero, whoever comes at once. Locks are taken in one order:
voucher, balance, lots, reward.
"""
