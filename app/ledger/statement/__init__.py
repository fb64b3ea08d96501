"""The statement: every movement of an account's points, with what stood there afterwards.

Nothing of it is stored. A balance after a line is what stands there now less every newer line,
read in the same statement. A line belongs to the day it was posted on, by the community's clock;
its number is made at that moment or, while a process counts up, a little later, never earlier.
So a period's first moment bounds the numbers of its lines; its end does not.
"""
