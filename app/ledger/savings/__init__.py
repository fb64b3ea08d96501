"""The points bank: what a resident puts aside does not lapse, if the policy exempts it.

Saved points are spent only after they are withdrawn. They get their own date back then, or some
days to be used where that is nearer or past; a deduction reaches into savings by itself. A
community that switches its bank off takes nothing in any more, and still gives everything out.
"""
