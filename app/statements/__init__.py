"""Statements to keep: a resident's lines of a period as a table or on paper.

Owns no data; gathers what the community and the ledger know, and renders it after the
transaction. A file tells an account as of the moment it was made.
"""
