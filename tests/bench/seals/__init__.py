"""The benchmark of seals and of the audit: a book of a million transfers, beside bare PostgreSQL.

`python -m tests.bench.seals --help`.
"""
