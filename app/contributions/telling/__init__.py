"""Telling a resident about their points; without a phone, the worker who calls on them."""
