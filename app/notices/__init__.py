"""Public notices: what is put before everybody, and what they say to it, before it takes effect.

A notice stands for something in a room above (a change of rules, a list of awards), which reads
here whether its time is up and every objection has been answered, and settles the notice with its
decision. Comments may be answered, objections must be.
"""
