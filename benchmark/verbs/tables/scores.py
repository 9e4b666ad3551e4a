"""What `petmr score` prints."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def show_summary(cases: "pd.DataFrame", structures: Sequence[str], title: str, json: Path | None) -> None:
    """Print averages of every structure and of all, and write them where asked for."""
    from benchmark.console import show_table
    from benchmark.scoring.cases import summarise
    from benchmark.scoring.summary import structures_text, summary_text
    from benchmark.text_tables import records
    from datamodules.files import write_json

    of_all, of_each = summarise(cases), summarise(cases, ["structure"])
    show_table(structures_text(of_each, structures), title)
    show_table(summary_text(of_all), "All structures")
    if json:
        write_json(json, {"all": records(of_all), "structures": records(of_each)})
