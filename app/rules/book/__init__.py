"""A community's rule book as a file that people can read, review, and put to notice.

Presets state their rules in the same form.
"""
