"""Core: what every room stands on, and nothing that belongs to one of them.

Owns the database session, problems, access, idempotency, rate limits, signing keys,
codes, logs and metrics. Imports no room. A thing moves here when a second room needs it.
"""
