"""Figures inside the page: the same pixels in half of the bytes.

None is made smaller: what was drawn in flat colours and sharp voxels would turn into gradients, of twice the bytes.
"""

import base64
from io import BytesIO
from pathlib import Path

from PIL import Image

EFFORT = {"lossless": True, "quality": 50, "method": 2}
"""WebP's; more takes minutes for a few per cent."""


def webp(png: Path) -> str:
    """A picture as WebP in base64."""
    target = BytesIO()
    with Image.open(png) as opened:
        opened.convert("RGB").save(target, "WEBP", **EFFORT)
    return base64.b64encode(target.getvalue()).decode("ascii")
