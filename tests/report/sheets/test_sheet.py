from dataclasses import replace

import numpy as np
from builders.printed import SHEET

from benchmark.report.sheets.sheet import decimals, markdown, means, numbers, probability, signed, whole


def test_the_best_and_second_of_each_column_are_marked_by_what_is_better():
    assert SHEET.marks() == [("second", "best", ""), ("", "best", "second"), ("", "", "")]


def test_numbers_that_print_alike_are_marked_alike():
    column = means("Dice", [0.9004, 0.8996, 0.8], [0.1, 0.2, 0.1], 2, "higher")
    assert replace(SHEET, columns=(column,)).marks() == [("best", "best", "second")]


def test_an_incomplete_row_is_never_best_and_has_a_dagger():
    sheet = replace(SHEET, unranked=frozenset({"u&net"}))
    assert sheet.marks()[0] == ("best", "", "second")
    assert sheet.names() == ("cross_fusion", "u&net †", "vnet")


def test_marks_can_compare_the_columns_of_each_row():
    columns = tuple(
        numbers(name, values, decimals(1), "higher") for name, values in (("a", [1, 2, 3]), ("b", [3, 1, 4]))
    )
    count = SHEET.columns[2]
    sheet = replace(SHEET, columns=(count, *columns, count), best_of="row")
    neither = ("", "", "")
    assert sheet.marks() == [neither, ("second", "best", "second"), ("best", "second", "best"), neither]


def test_markdown_has_bold_and_underlined_cells_note_and_remark():
    text = markdown(replace(SHEET, remark="Incomplete: 1 run."))
    assert "| u&net | **0.95 ± 0.02** | **2.0 ± 1.0** | 5 |" in text
    assert "| cross_fusion | <u>0.91 ± 0.01</u> | 4.0 ± 1.0 | 5 |" in text
    assert text.endswith("Over 5 subjects.\n\nIncomplete: 1 run.\n")


def test_names_that_would_be_markdown_or_html_stay_names():
    (column, *_) = SHEET.columns
    sheet = replace(SHEET, rows=("a|b", "<b>bold</b>", "vnet"), columns=(replace(column, heading="<i>Dice|"),))
    table = markdown(sheet).splitlines()[2:]
    assert table[0].endswith(r"| \<i>Dice\| |") and table[2].startswith(r"| a\|b |")
    assert table[3].startswith(r"| \<b>bold\</b> | **")


def test_what_is_not_known_is_a_dash():
    assert decimals(2)(np.nan) == whole(np.nan) == probability(np.nan) == "–"
    assert probability(0.0004) == "< 0.001"


def test_no_number_is_a_negative_zero():
    assert decimals(3)(-0.0004) == signed(3)(-0.0004) == signed(3)(0.0004) == "0.000"
    assert (signed(3)(-0.0006), signed(3)(0.0006), decimals(3)(-0.0006)) == ("−0.001", "+0.001", "−0.001")


def test_rows_and_headings_go_by_their_names_for_print_and_keep_their_daggers():
    sheet = replace(SHEET, shown={"vnet": "V-Net", "Dice": "DSC"}, unranked=frozenset({"vnet"}))
    assert sheet.names() == ("cross_fusion", "u&net", "V-Net †")
    assert sheet.headings()[0] == "DSC"
    assert sheet.rows[2] == "vnet"
