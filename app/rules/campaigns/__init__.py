"""Campaigns: times in which rules give more, within a budget that is kept.

The committee opens one from a day on, never back in time, and may end it earlier than planned.
What one gives is limited where awards are posted (contributions).
"""
