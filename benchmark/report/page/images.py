"""Figures inside the page: the same pixels in a third of the bytes, and no more of them than a screen shows."""

import base64
from io import BytesIO
from pathlib import Path

from PIL import Image

WIDEST = 1800
"""Pixels: twice as many as a figure is wide on the page."""

EFFORT = {"lossless": True, "quality": 50, "method": 2}
"""WebP's; more takes minutes for a few per cent."""


def webp(png: Path) -> str:
    """A picture as WebP in base64."""
    with Image.open(png) as opened:
        picture = opened.convert("RGB")
    if picture.width > WIDEST:
        picture = picture.resize((WIDEST, round(picture.height * WIDEST / picture.width)), Image.Resampling.LANCZOS)
    target = BytesIO()
    picture.save(target, "WEBP", **EFFORT)
    return base64.b64encode(target.getvalue()).decode("ascii")
