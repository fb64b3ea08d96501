"""Persons who leave the service: their sessions, identities and requests."""
