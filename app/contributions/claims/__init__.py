"""Claims: a resident says what they did, others review it, then it is awarded or refused.

A worker may enter a claim for a resident without a phone. Nobody reviews their own claim, one
they entered, or one of their own household; the database refuses it. Where the rule says so,
what was approved is shown on a public list for objections before it is awarded.
"""
