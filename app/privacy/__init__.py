"""Privacy: a copy of all we hold on a resident, the end of an account, and how long what is kept.

Owns data exports, closures and the table of retention periods. Walks every room below through
their tables; none of them knows this one. Whatever forgets something here may be repeated.
"""
