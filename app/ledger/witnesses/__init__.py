"""Witnesses: who countersigns checkpoints, so that nobody can show two histories.

A witness is another organisation's machine that remembers the last checkpoint it has seen,
checks that the next one grew out of it, and signs. Its public key stands in our settings; its
signature is all the proof it brings. What it once signed is kept for ever.
"""
