"""The ledger's benchmark: what its operations cost in process, beside the bare database.

A durable PostgreSQL on this machine and no HTTP; `python -m tests.bench.ledger --help`.
"""
