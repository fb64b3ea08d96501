"""The community's policy on points: how long they last, halve, are owed, saved and given away.

Public, versioned, never changed: a new version follows the old one and takes effect at once,
except that nothing lapses or halves by it before one full period is over.
"""
