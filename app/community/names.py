"""How a name or a phone is shown to people who need not know it."""

import re

DOMESTIC = re.compile(r"\+86(1[0-9]{2})[0-9]{4}([0-9]{4})")


def mask_name(name: str) -> str:
    """Return the name as others see it: 王小四 → 王*四, 李雷 → 李*, Anna → A***."""
    letters = name.strip()
    if len(letters) <= 1:
        return letters or "*"
    if letters.isascii():
        return letters[0] + "***"
    if len(letters) == 2:  # noqa: PLR2004 - a surname and one given character
        return letters[0] + "*"
    return letters[0] + "*" * (len(letters) - 2) + letters[-1]


def mask_phone(phone: str) -> str:
    """Return an E.164 number as others see it: 138****0001; abroad its country is not told."""
    mobile = DOMESTIC.fullmatch(phone)
    return "****" + phone[-4:] if mobile is None else f"{mobile[1]}****{mobile[2]}"
