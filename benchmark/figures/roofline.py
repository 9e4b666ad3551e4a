"""The roofline: how much of what the machine can do each network does, by how often it uses each byte it moves."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from benchmark.figures.names import display_names
from benchmark.figures.style import SOFT, WIDTH, legend_below, looks


def roofline(cases: Mapping[str, Mapping[str, Any]], roofs: Mapping[str, Any]) -> Figure:
    """Draw training steps as `benchmark.bench.step` measures them, a panel for each precision; peers are hollow.

    Args:
        cases: By "network, work, precision".
        roofs: "gflops" by precision, and "gb_per_second".
    """
    points = _points(cases)
    precisions = list(roofs["gflops"])
    figure, panels = plt.subplots(
        1, len(precisions), figsize=(WIDTH, 3.2), sharey=True, squeeze=False, layout="constrained"
    )
    for axes, precision in zip(panels.flat, precisions, strict=True):
        _panel(axes, points[points["precision"] == precision], roofs["gflops"][precision], roofs["gb_per_second"])
        axes.set(xlabel="operations a byte (FLOP / byte)", title=precision)
    panels.flat[0].set_ylabel("achieved rate (GFLOP / s)")
    legend_below(figure, panels.flat[0])
    return figure


def _points(cases: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    rows = []
    for name, case in cases.items():
        network, work, precision = name.rsplit(", ", 2)
        if work == "step":
            rows += [
                {"network": network, "precision": precision, "side": side, **case[side]}
                for side in ("ours", "peer")
                if side in case
            ]
    return pd.DataFrame(rows)


def _panel(axes: Axes, points: pd.DataFrame, peak: float, bandwidth: float) -> None:
    networks = {network: network for network in points["network"].unique()}
    chosen = looks(networks, display_names(networks, {}))
    for _, row in points.iterrows():
        look, ours = chosen[row["network"]], row["side"] == "ours"
        axes.plot(
            row["flop_per_byte"],
            row["rate_gflops"],
            look.marker,
            color=look.colour,
            markerfacecolor=look.colour if ours else "none",
            markersize=5,
            label=look.label if ours else None,
        )
    low, high = 0.5 * min(points["flop_per_byte"].min(), peak / bandwidth), 2 * points["flop_per_byte"].max()
    intensity = np.geomspace(low, max(high, 4 * peak / bandwidth), 200)
    axes.plot(intensity, np.minimum(peak, bandwidth * intensity), color=SOFT, linewidth=1)
    if "peer" in set(points["side"]):
        axes.plot([], [], "o", color=SOFT, markerfacecolor="none", markersize=5, label="hollow: the peer")
    axes.set(xscale="log", yscale="log")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter(NullFormatter())
    axes.grid(axis="both")
    axes.set_axisbelow(True)
