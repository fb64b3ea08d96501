"""The benchmark: what the hot requests cost, beside what the database alone would take.

A real API process and a durable PostgreSQL on this machine; `python -m tests.bench --help`.
"""
