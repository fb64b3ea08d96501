"""A scanner: reads the codes in pictures, with a decoder that shares nothing with our drawing."""

import re
from io import BytesIO
from xml.etree import ElementTree as ET

import zxingcpp
from PIL import Image, ImageDraw

DOTS_PER_MODULE = 6
QR_CODES = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)


def scan_png(png: bytes) -> str:
    """Return the text of the one code in a PNG."""
    return _scan(Image.open(BytesIO(png)).convert("L"))


def scan_svg(svg: str) -> str:
    """Return the text of the one code in an SVG, after filling its paths."""
    root = ET.fromstring(svg)  # noqa: S314 - our own answer
    side = int(root.attrib["viewBox"].split()[2])
    paper = Image.new("L", (side * DOTS_PER_MODULE,) * 2, 128)
    pen = ImageDraw.Draw(paper)
    for path in root.iter("{http://www.w3.org/2000/svg}path"):
        colour = 255 if path.get("fill") == "#fff" else 0
        for found in re.finditer(r"M(\d+) (\d+)h(\d+)v(\d+)h-\3z", path.attrib["d"]):
            x, y, width, height = (DOTS_PER_MODULE * int(number) for number in found.groups())
            pen.rectangle((x, y, x + width - 1, y + height - 1), fill=colour)
    return _scan(paper)


def _scan(image: Image.Image) -> str:
    [found] = read_qr_codes(image)
    return found.text


def read_qr_codes(image: Image.Image) -> list[zxingcpp.Barcode]:
    """Return the QR codes in a picture; now and then one looks like another kind of code too."""
    return zxingcpp.read_barcodes(image, formats=QR_CODES)
