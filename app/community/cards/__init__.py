"""Residents without a phone: registering them, their paper cards, and claiming them later.

A card's code names the card and not the resident, so a lost card is withdrawn and the next one
is another. A card alone opens nothing: a worker has to scan it, and a worker has to approve
whoever claims its resident from a phone.
"""
