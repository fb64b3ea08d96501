"""Signals for reviewers."""
