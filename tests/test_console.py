"""Tables on terminals of several widths."""

import re
import sys

import pandas as pd
import pytest
from builders.screens.terminal import in_terminal

from benchmark.text_tables import fit

TABLE = """
import pandas as pd
from pathlib import Path
from benchmark.console import show_table
rows, networks = {rows}, range(1, 10)
scores = {{f"network_number_{{k}}": [f"0.{{k}}{{row:02d}}" for row in range(rows)] for k in networks}}
names = [f"Left-Structure-{{row:02d}}" for row in range(rows)]
show_table(pd.DataFrame({{"Structure": names, **scores}}), "Dice", Path("structures.csv"))
"""


def shown(rows: int, columns: int) -> str:
    return in_terminal([sys.executable, "-c", TABLE.format(rows=rows)], columns)


def test_a_terminal_too_narrow_for_a_number_shows_it_whole_all_the_same():
    assert "0.109" in shown(10, 20) and "…" not in shown(10, 20)


@pytest.mark.parametrize("columns", [80, 120, 200])
def test_no_number_of_a_wide_table_is_cut_at_any_width(columns: int):
    text = shown(10, columns)
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= columns
    for row in range(10):
        (line,) = (line for line in text.splitlines() if f"Left-Structure-{row:02d}" in line)
        numbers = re.findall(r"[\d.]+(?= │)", line)[1:]
        assert numbers == [f"0.{k + 1}{row:02d}" for k in range(len(numbers))] and len(numbers) >= 4


def test_columns_that_do_not_fit_are_named_with_the_file_that_has_them():
    text = " ".join(shown(10, 80).split())
    assert "80 columns are too few: network_number_6, network_number_7, network_number_8, network_number_9; all" in text
    assert "structures.csv" in text
    assert "too few" not in shown(10, 200)


def test_a_long_table_ends_with_the_file_that_has_the_rest():
    text = shown(44, 200)
    assert "Left-Structure-29" in text and "Left-Structure-30" not in text
    assert "The first 30 of 44 rows; all of it is in structures.csv." in text


def test_a_table_of_few_rows_is_turned_rather_than_cut():
    wide = pd.DataFrame({"case": ["small", "large"], **{f"measure number {k}": ["0.123", "4.567"] for k in range(9)}})
    turned = fit(wide, 60)
    assert list(turned.table.columns) == ["case", "small", "large"] and turned.left_out == ()
    assert turned.table["case"].tolist() == list(wide.columns[1:])


def test_words_go_on_in_the_next_line_but_a_mean_with_its_deviation_does_not():
    long = " and ".join(["hippocampus"] * 20)
    table = pd.DataFrame({"fold": ["0 test"], "missing": [long], "Dice": ["0.3959 ± 0.0337"]})
    assert fit(table, 50).left_out == ()
    assert fit(table.drop(columns="missing"), 20).table.shape == (1, 2)  # wider than that, and shown whole all the same
