"""How figures look: type, lines, and one colour for each network wherever it appears."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from datamodules.files import atomic_path

WIDTH = 7.2
"""Inches: two columns of a journal."""
INK, SOFT, FAINT = "#222222", "#6b6b6b", "#d9d9d9"

NETWORK_COLOURS = {
    "cross_fusion": "#882255",
    "uxnet3d": "#332288",
    "swin_unetr": "#88ccee",
    "unetr": "#44aa99",
    "nnformer": "#117733",
    "unet3d": "#cc6677",
    "nested_unet": "#999933",
    "res_unet": "#ddcc77",
    "vnet": "#aa4499",
    "mednext": "#555555",
    "resenc_unet": "#bbbbbb",
}
"""Paul Tol's muted scheme, told apart with any colour vision, and two greys for the networks beyond the paper's."""

MARKERS = "osD^vP*X<>h"
"""For print without colour: each network has a shape of its own, too."""

SETTINGS: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.size": 8,
    "axes.titlesize": 8.5,
    "axes.titleweight": "regular",
    "axes.titlelocation": "left",
    "axes.labelsize": 8,
    "axes.labelcolor": INK,
    "axes.edgecolor": SOFT,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "grid.color": FAINT,
    "grid.linewidth": 0.5,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "text.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 7,
    "lines.linewidth": 1.2,
    "figure.dpi": 100,
    "savefig.dpi": 200,
    "pdf.fonttype": 42,  # text stays text, as journals ask
    "image.interpolation": "nearest",
}


@contextmanager
def house_style() -> Iterator[None]:
    """Draw within this context; no window is opened, and no setting stays."""
    with mpl.rc_context(SETTINGS), plt.ioff():
        yield


def palette(networks: Mapping[str, str]) -> dict[str, str]:
    """A colour for every variant: its network's own, or the next free one where variants share a network."""
    colours: dict[str, str] = {}
    for variant, network in networks.items():
        own = NETWORK_COLOURS.get(network)
        free = [colour for colour in NETWORK_COLOURS.values() if colour not in colours.values()]
        colours[variant] = own if own in free else (free or [SOFT])[0]
    return colours


def markers(names: Mapping[str, str]) -> dict[str, str]:
    """A marker for every variant."""
    return {name: MARKERS[index % len(MARKERS)] for index, name in enumerate(names)}


def save(figure: Figure, stem: Path) -> Path:
    """Write `stem.png` and `stem.pdf`, close the figure, and return the first."""
    for suffix in (".pdf", ".png"):
        path = stem.with_name(stem.name + suffix)
        with atomic_path(path) as temporary:
            # Without dates the same scores give the same bytes.
            metadata = {"CreationDate": None} if suffix == ".pdf" else {"Software": None}
            figure.savefig(temporary, bbox_inches="tight", pad_inches=0.05, metadata=metadata)
    plt.close(figure)
    return path


def bare(axes: Axes) -> None:
    """Leave nothing but the picture."""
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set_visible(False)


def readable(structure: str) -> str:
    """A FreeSurfer name in words."""
    return structure.replace("-", " ").replace("_", " ")
