"""Reads the segments of a JPEG, strictly and independently of the code under test."""

SOI, EOI, SOS, APP0 = 0xD8, 0xD9, 0xDA, 0xE0
NAMES = {
    SOI: "SOI", EOI: "EOI", SOS: "SOS", APP0: "APP0", 0xC0: "SOF", 0xC1: "SOF", 0xC2: "SOF",
    0xC4: "DHT", 0xDB: "DQT", 0xDD: "DRI",
}  # fmt: skip
ALLOWED = set(NAMES.values())


def segments_of(jpeg: bytes) -> list[tuple[str, bytes]]:
    """Every segment's name and payload. Anything out of place fails."""
    assert jpeg[:2] == b"\xff\xd8"
    found = [("SOI", b"")]
    place = 2
    while True:
        assert jpeg[place] == 0xFF
        marker = jpeg[place + 1]
        name = NAMES.get(marker, f"0x{marker:02X}")
        if marker == EOI:
            assert place + 2 == len(jpeg), "something follows the end"
            return [*found, (name, b"")]
        length = int.from_bytes(jpeg[place + 2 : place + 4])
        found.append((name, jpeg[place + 4 : place + 2 + length]))
        place += 2 + length
        if marker == SOS:
            place = end_of_scan(jpeg, place)


def end_of_scan(jpeg: bytes, place: int) -> int:
    """The next place where 0xFF is neither stuffed nor a restart."""
    while jpeg[place] != 0xFF or jpeg[place + 1] == 0 or 0xD0 <= jpeg[place + 1] <= 0xD7:
        place += 1
    return place


def assert_bare(jpeg: bytes) -> None:
    """Only a picture, and a JFIF header that holds no thumbnail."""
    found = segments_of(jpeg)
    names = [name for name, _ in found]
    assert set(names) <= ALLOWED
    assert names.count("APP0") == 1
    header = next(payload for name, payload in found if name == "APP0")
    assert header.startswith(b"JFIF\0")
    assert len(header) == 14
    assert header[12:] == b"\0\0"
