"""Changing the rule book: proposed, put to public notice with objections, then decided.

A change is decided by somebody else than its proposer, once the notice is over and every
objection is answered; an upheld objection means that it cannot be adopted as it stands. What is
adopted comes into force as a day begins, never back in time: an act is judged by the version of
its own moment. How the community decides (Procedure) changes in the same way, but from the
adoption on.
"""
