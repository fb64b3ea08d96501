"""Lots: where points came from, where they went, and how they came back."""
