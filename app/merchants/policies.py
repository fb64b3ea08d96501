"""Who may act for a shop."""

from app.core.access import Actor, Permission, Place


def may_verify_at(actor: Actor, shop_id: int) -> bool:
    return actor.may(Permission.MERCHANTS_VERIFY, at=Place(shop_id=shop_id))
