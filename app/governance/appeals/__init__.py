"""Appeals: an objection to a decision about one's own points, decided by somebody uninvolved.

Upheld, it is carried out in the same transaction: a deduction is given back, a refused claim is
awarded, an award is taken back and given anew as it should have been.
"""
