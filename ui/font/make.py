#!/usr/bin/env python3
"""Makes the two weights of Dashpoint Sans out of Noto Sans SC.

    pip install fonttools==4.68.0
    npm pack @expo-google-fonts/noto-sans-sc@0.4.3 && tar xzf expo-google-fonts-noto-sans-sc-0.4.3.tgz
    python3 ui/font/make.py package

Kept: Latin, punctuation and signs, GB2312, and the 8,105 characters of the Table of General Standard Chinese
Characters (characters.txt, from the field kTGH of Unicode's Unihan database). The family is renamed, as the licence
asks of a changed font whose original reserves a name.
"""

import pathlib
import sys

from fontTools import subset
from fontTools.ttLib import TTFont

FAMILY = "Dashpoint Sans"
HERE = pathlib.Path(__file__).resolve().parent
WEIGHTS = [("400Regular", "Regular", 400), ("500Medium", "Medium", 500)]
RANGES = [
    (0x20, 0x7E), (0xA0, 0x17F), (0x2010, 0x2027), (0x2030, 0x203A), (0x20A0, 0x20BF),
    (0x2150, 0x215F), (0x2190, 0x2193), (0x2200, 0x2265), (0x3000, 0x301F), (0xFF01, 0xFF5E), (0xFFE0, 0xFFE6),
]


def wanted():
    """The code points to keep."""
    points = {point for first, last in RANGES for point in range(first, last + 1)}
    points |= {ord(char) for char in (HERE / "characters.txt").read_text("utf-8") if not char.isspace()}
    for high in range(0xA1, 0xF8):
        for low in range(0xA1, 0xFF):
            try:
                points.add(ord(bytes([high, low]).decode("gb2312")))
            except UnicodeDecodeError:
                continue
    return points


def rename(font, style):
    """Gives the font its own name; the copyright and the licence stay."""
    names = font["name"]
    for record in list(names.names):
        if record.nameID not in (0, 13, 14):
            names.removeNames(nameID=record.nameID)
    legacy = FAMILY if style == "Regular" else f"{FAMILY} {style}"
    file_name = f"{FAMILY}-{style}".replace(" ", "")
    texts = {1: legacy, 2: "Regular", 3: f"1.0;{file_name}", 4: f"{FAMILY} {style}", 5: "Version 1.0", 6: file_name}
    if style != "Regular":
        texts |= {16: FAMILY, 17: style}
    for name_id, text in texts.items():
        names.setName(text, name_id, 3, 1, 0x409)


def main(package):
    options = subset.Options()
    options.layout_features = ["ccmp", "kern", "mark", "mkmk"]
    options.hinting = False
    options.name_IDs = ["*"]
    options.notdef_outline = True
    for folder, style, weight in WEIGHTS:
        font = TTFont(pathlib.Path(package) / folder / f"NotoSansSC_{folder}.ttf", recalcTimestamp=False)
        subsetter = subset.Subsetter(options)
        subsetter.populate(unicodes=wanted())
        subsetter.subset(font)
        rename(font, style)
        font["OS/2"].usWeightClass = weight
        font.save(HERE / f"DashpointSans-{style}.ttf")


if __name__ == "__main__":
    main(sys.argv[1])
