"""Approved claims on a public list: shown for objections, then awarded together."""
