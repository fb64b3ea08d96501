"""Holds: what they pin, what was captured, and the vouchers that stand on them."""
