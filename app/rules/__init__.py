"""Rules: what earns or costs how many points, decided in public.

Owns rules, their immutable versions and campaigns. A version is in force from one moment to
another and never changed; an act is judged by the version in force when it was done.
`evaluation` is pure: rule version, campaigns and facts in, points with their reasons out.
"""
