"""Repair tasks: service by which a resident earns a deduction back."""
