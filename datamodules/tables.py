"""Tables that people and programs write: one reader, to which a cell is text unless its column holds numbers.

A subject called `001`, a group `NA` and a variant `null` stay what they are: names are never taken for numbers, dates
or missing values.
"""

import csv
import re
import warnings
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from datamodules.files import locked, write_csv

FORMULA = re.compile(r"\s*(?:[=+@].*|-(?!$|\d+(?:[.,]\d+)?(?:[eE][-+]?\d+)?$).*)", re.DOTALL)
"""What a spreadsheet would compute, or run, instead of showing it."""
OTHERS = {",": "commas", ";": "semicolons", "\t": "tabs"}
"""What separates cells."""


def read_table(path: Path, *, separator: str = ",", numbers: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Read a table of separated values with a line of column names.

    Args:
        path: UTF-8, with or without a mark of byte order.
        separator: Of cells.
        numbers: Column to its type for pandas (`int64`, `float64`, `boolean`), of those that hold numbers, to the last
            bit; their empty cells are missing. Those of every other column are empty texts.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no such table; file and reason are named.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such table.")
    kinds = defaultdict(lambda: "str", numbers or {})
    try:
        _check_names(_first_line(path, separator), path, separator)
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # rows longer than the first line
            table = pd.read_csv(
                path,
                sep=separator,
                dtype=kinds,
                keep_default_na=False,
                na_values={name: [""] for name in numbers or {}},
                skipinitialspace=True,
                index_col=False,
                float_precision="round_trip",
                encoding="utf-8-sig",
            )
    except UnicodeDecodeError as fault:
        raise ValueError(f"{path}: isn't written in UTF-8 ({fault.reason}): save it as CSV UTF-8.") from fault
    except pd.errors.ParserWarning as fault:
        raise ValueError(f"{path}: a row has more cells than the first line has names.") from fault
    except (pd.errors.ParserError, csv.Error) as fault:
        text = str(fault).strip().removeprefix("Error tokenizing data. C error: ")
        raise ValueError(f"{path}: can't be read as a table ({text}).") from fault
    table.columns = pd.Index([str(name).strip() for name in table.columns])
    short = {name: "" for name in table.columns if name not in (numbers or {})}  # rows that end early
    return table.fillna(short)


def merge_rows(path: Path, rows: pd.DataFrame, key: str) -> None:
    """Put rows into a table on disk, in place of those with the same key; whole or not at all, whoever else does so.

    Args:
        path: The table; made where there is none.
        rows: What it shall hold.
        key: The column whose values `rows` speak for, such as `subject`.

    Raises:
        ValueError: If there is a file that is no such table.
    """
    with locked(path):
        if path.is_file():
            before = read_table(path)
            if key not in before:
                raise ValueError(f"{path}: has no column '{key}'; it is another table. Move it away.")
            rows = pd.concat([before[~before[key].isin(rows[key])], rows])
        write_csv(path, rows)


def _first_line(path: Path, separator: str) -> list[str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [name.strip() for name in next(csv.reader(file, delimiter=separator), [])]


def _check_names(names: Sequence[str], path: Path, separator: str) -> None:
    if not any(names):
        raise ValueError(f"{path}: is empty; expected a line of column names, then a row for each subject.")
    other = next((one for one in OTHERS if one != separator and one in names[0]), None)
    if len(names) == 1 and other:
        raise ValueError(f"{path}: its cells are separated by {OTHERS[other]}; expected {OTHERS[separator]}.")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"{path}: has two columns called '{twice[0]}'; expected every name once.")
    if "" in names:
        raise ValueError(f"{path}: column {names.index('') + 1} has no name.")
