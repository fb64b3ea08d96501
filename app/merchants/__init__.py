"""Merchants: shops confirm vouchers.

Owns shops and verifications. A clerk previews a voucher (prepare), confirms it (consume: the
held points go to the shop's account) and may take that back for a while (cancel: the same lots
are held again). Every request carries the shop's own `out_request_no`: repeated it gets the
stored answer, and after a lost answer it can be asked for.
"""
