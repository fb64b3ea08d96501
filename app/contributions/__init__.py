"""Contributions: every earning is one, whatever it came from.

Owns contributions and cap usage, and the one way by which points are awarded: `award` takes
many items of one community, applies caps, and posts contributions, usage, transfers, lots,
balances, standings and the seal queue in one statement, with a verdict per item. Natural key:
(community, source kind, source, resident, occasion), so the same act never earns twice.
Called by activities and whatever else lets residents earn.
"""
