"""Unlinking: who leaves takes the salts of their transfers along; the sealed book stays as it is.

A neighbour can go on proving their own side of a gift, until they leave as well.
"""
