"""Rewards: what points buy, and the vouchers that prove it.

Owns the catalogue and vouchers. Redeeming holds the price in the ledger and issues a voucher, for
all who ask at the same moment in one transaction; a shop's confirmation (merchants) captures the
hold, cancelling or expiry gives the same lots back. Stock never falls below zero, whoever comes
at once. Locks are taken in one order: vouchers, balances (and with them their lots), rewards.
"""
