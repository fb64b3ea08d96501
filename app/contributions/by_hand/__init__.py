"""Points posted by hand: one person proposes, another one checks, then they move.

The database refuses a checker who proposed it. Awards and deductions go under a rule; a repair
gives back part of a deduction for service done since, a reversal undoes what was wrong.

Whom a deduction concerns is told with the evidence and heard first: nothing is taken before they
have answered or had the time to, and the database refuses that too.
"""
