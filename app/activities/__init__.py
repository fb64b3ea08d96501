"""Activities: what residents come to, and the codes by which they check in.

Owns activities and all ways of checking in: the resident scans the activity's code (a printed
poster, or a rotating one on the worker's screen), the worker scans the resident's code, and
the daily check-in. A check-in is a contribution, one per resident and activity, so scanning
twice, or asking twice, never earns twice. Codes are verified here and nowhere below.
"""
