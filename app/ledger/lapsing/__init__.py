"""Points that come to their end: lapsed by their date, halved for lying unused, left behind.

Reads ignore lapsed points at once; the jobs here only write it into the book, batch by batch,
each batch in its own transaction, and may be killed and run again at any moment. Residents are
told beforehand. Half-life: what has lain in a wallet for the policy's months, none of which saw
a point used, loses its percentage, rounded down for the wallet as a whole; the next time comes
as many months later.
"""
