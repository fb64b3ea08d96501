"""Consents: what a community tells people about their data, and what each agreed to.

A community publishes its policy in versions that are never rewritten. Consent is given to one
purpose as one version states it, so a new version asks everybody again; withdrawn or outdated
consents are kept as proof (PIPL articles 14 to 16).
"""
