"""What content security says of photos and texts: SQL of checks, their traces and verdicts.

Who decides and when is in app.media.moderation.
"""
