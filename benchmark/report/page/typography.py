"""Lines that don't break where a reader would stumble: between a number and its unit, around an equals sign."""

import re

SPACE = "\N{NO-BREAK SPACE}"
UNIT = re.compile(r"(?<=\d) (?=(?:%|mm|ml|m|s|min|GiB|GMAC|steps|voxels|subjects)\b|%)")
RELATION = re.compile(r"(\b\w{1,2}|n|p) ([=<>±]) (?=[\d−-])|(?<=\d) ± (?=\d)")


def tight(text: str) -> str:
    """The same text with spaces that hold together what belongs together."""
    joined = UNIT.sub(SPACE, text)
    return RELATION.sub(lambda found: found[0].replace(" ", SPACE), joined)
