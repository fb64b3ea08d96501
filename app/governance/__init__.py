"""Governance: how residents keep those in check who decide about points. Appeals, first of all."""
