"""How figures look: type, lines, and one colour and shape for each network wherever it appears."""

from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import BboxBase

from datamodules.files import atomic_path

WIDTH, HEIGHT = 7.16, 9.5
"""Inches: two columns of a journal, and the height of its page that a figure may fill beside its caption."""
MARGIN = 0.03
"""Inches around what is drawn."""
FORMATS = (".png", ".pdf")
INK, SOFT, FAINT = "#222222", "#6b6b6b", "#d9d9d9"

NETWORKS = {
    "cross_fusion": ("#882255", "o"),
    "uxnet3d": ("#332288", "s"),
    "swin_unetr": ("#928db7", "D"),
    "unetr": ("#009e83", "^"),
    "nnformer": ("#00421d", "v"),
    "unet3d": ("#9f6758", "P"),
    "nested_unet": ("#616200", "X"),
    "res_unet": ("#bb8700", "<"),
    "vnet": ("#b63dd0", ">"),
    "mednext": ("#201015", "h"),
    "resenc_unet": ("#006a7e", "*"),
}
"""Colour and marker of every network, the same in all experiments. Colours are three to one against white and told
apart (CIEDE2000 of 10) with any colour vision; in print without colour the markers are."""

OTHERS = (
    ("#0072b2", "d"),
    ("#fc4510", "p"),
    ("#00a767", "H"),
    ("#b4839a", "8"),
    ("#702a00", "s"),
    ("#62675c", "^"),
    ("#491085", "v"),
    ("#010600", "D"),
)
"""Of networks that aren't ours, and of further variants of one network; no network's own, chosen as those are."""

FONTS = {
    "Liberation Sans": "LiberationSans",
    "Arial": "Arial",
    "Arimo": "Arimo",
    "Helvetica": "Helvetica",
    "Nimbus Sans": "NimbusSans",
    "TeX Gyre Heros": "texgyreheros",
}
"""Family to how its files begin, of one look and one width: the first that is installed is taken."""

PNG_DPI, PDF_DPI = 300, 600
"""As journals ask: 300 of pictures; line art wants 600 or, better, the lines themselves, as a PDF has them (where this
is the resolution of the images in it)."""

SETTINGS: dict[Any, Any] = {
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
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "text.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "lines.linewidth": 1.2,
    "figure.dpi": 100,
    "pdf.fonttype": 42,  # text stays text, as journals ask
    "image.interpolation": "nearest",
}


@contextmanager
def house_style() -> Iterator[None]:
    """Draw within this context; no window is opened, and no setting stays."""
    with mpl.rc_context({**SETTINGS, "font.family": families()}), plt.ioff():
        yield


def families() -> list[str]:
    """The font of all figures, then matplotlib's own, which has every sign; also of fonts younger than its cache."""
    manager = font_manager.fontManager
    known = {font.fname for font in manager.ttflist}
    for path in set(font_manager.findSystemFonts()) - known:
        if Path(path).name.startswith(tuple(FONTS.values())):
            manager.addfont(path)
    installed = {font.name for font in manager.ttflist if Path(font.fname).is_file()}
    return [*[name for name in FONTS if name in installed][:1], "DejaVu Sans"]


@dataclass(frozen=True)
class Look:
    """How a variant looks in every figure.

    Attributes:
        colour: Of its lines and boxes.
        marker: Of its points.
        label: Its name, with a dagger where it is incomplete, as in tables.
    """

    colour: str
    marker: str
    label: str


def looks(networks: Mapping[str, str], names: Mapping[str, str], incomplete: Container[str] = ()) -> dict[str, Look]:
    """The look of every variant: the first of each network has that network's own, the others have one of `OTHERS`.

    Args:
        networks: Variant to its network, in an order that results don't change.
        names: Variant to its name for print.
        incomplete: Variants that lack runs.
    """
    chosen: dict[str, Look] = {}
    own, others = dict(NETWORKS), cycle(OTHERS)
    for variant, network in networks.items():
        colour, marker = own.pop(network) if network in own else next(others)
        chosen[variant] = Look(colour, marker, f"{names[variant]} †" if variant in incomplete else names[variant])
    return chosen


def save(figure: Figure, stem: Path) -> Path:
    """Write `stem.png` and `stem.pdf`, close the figure, and return the first."""
    box = _settle(figure)
    *_, path = (_write(figure, stem.with_name(stem.name + suffix), box) for suffix in (".pdf", ".png"))
    plt.close(figure)
    return path


def write(figure: Figure, path: Path) -> Path:
    """Write a figure in the format of the path's suffix, close it, and return the path."""
    _write(figure, path, _settle(figure))
    plt.close(figure)
    return path


def _settle(figure: Figure) -> BboxBase:
    """Lay a figure out once for all formats, and give what it covers, in inches."""
    figure.set_dpi(PNG_DPI)
    figure.draw_without_rendering()
    figure.set_layout_engine(None)  # "none" would draw everything twice, to place it as it is
    return figure.get_tightbbox().padded(MARGIN)


def _write(figure: Figure, path: Path, box: BboxBase) -> Path:
    with atomic_path(path) as temporary:
        # Without dates the same scores give the same bytes.
        metadata = {"CreationDate": None} if path.suffix == ".pdf" else {"Software": None}
        dpi = PDF_DPI if path.suffix == ".pdf" else PNG_DPI
        figure.savefig(temporary, dpi=dpi, bbox_inches=box, metadata=metadata)
    return path


def legend_below(figure: Figure, axes: Axes) -> None:
    """Name what a panel shows below all panels, in rows that are no wider than the figure."""
    handles, labels = axes.get_legend_handles_labels()
    longest = max((len(label) for label in labels), default=1)
    across = max(1, int(figure.get_figwidth() / (0.45 + 0.063 * longest)))
    figure.legend(handles, labels, loc="outside lower center", ncols=min(across, max(1, len(labels))))


def bare(axes: Axes) -> None:
    """Leave nothing but the picture."""
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set_visible(False)
