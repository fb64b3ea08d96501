"""How a name is shown to people who need not know it."""


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
