import threading

import pandas as pd
import pytest

from datamodules.tables import merge_rows, read_table

NAMES = ["001", "NA", "null", "1e5", "True", "2024-01-02", "Jörg Müller", "nan", "", "0x1F", "a,b", 'say "x"']


def test_names_are_never_taken_for_numbers_dates_or_missing_values(tmp_path):
    pd.DataFrame({"subject": NAMES, "group": NAMES[::-1]}).to_csv(tmp_path / "t.csv", index=False)
    table = read_table(tmp_path / "t.csv")
    assert table["subject"].tolist() == NAMES
    assert table["group"].tolist() == NAMES[::-1]


def test_columns_of_numbers_come_back_to_the_last_bit_and_empty_cells_are_missing(tmp_path):
    numbers = [0.1 + 0.2, 1e-300, 123456789.123456789]
    pd.DataFrame({"subject": ["1", "2", "3"], "dice": numbers}).to_csv(tmp_path / "t.csv", index=False)
    with (tmp_path / "t.csv").open("a") as file:
        file.write("4,\n5\n")
    table = read_table(tmp_path / "t.csv", numbers={"dice": "float64"})
    assert table["dice"].tolist()[:3] == numbers
    assert table["dice"].isna().tolist() == [False] * 3 + [True] * 2
    assert table["subject"].tolist() == ["1", "2", "3", "4", "5"]


def test_a_mark_of_byte_order_and_blanks_after_commas_are_no_part_of_a_name(tmp_path):
    (tmp_path / "t.csv").write_bytes("\ufeffsubject, pet\r\ns1, a.nii\r\n".encode())
    assert read_table(tmp_path / "t.csv").to_dict("records") == [{"subject": "s1", "pet": "a.nii"}]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (b"", "is empty"),
        (b"a;b\n1;2\n", "its cells are separated by semicolons; expected commas"),
        (b"a\tb\n1\t2\n", "its cells are separated by tabs"),
        (b"a,b\n1,2,3\n", "a row has more cells than the first line has names"),
        (b"a,b\n1,2\n1,2,3\n", "can't be read as a table .*line 3"),
        (b"a,b,a\n1,2,3\n", "has two columns called 'a'"),
        (b"a,,b\n1,2,3\n", "column 2 has no name"),
        ("subject\nMüller\n".encode("latin-1"), "isn't written in UTF-8"),
    ],
)
def test_what_is_no_table_is_refused_with_the_reason(tmp_path, text, match):
    (tmp_path / "t.csv").write_bytes(text)
    with pytest.raises(ValueError, match=rf"t\.csv: {match}"):
        read_table(tmp_path / "t.csv")


def rows(subject, *values):
    return pd.DataFrame({"subject": subject, "ml": values})


def test_rows_are_merged_by_subject(tmp_path):
    path = tmp_path / "volumes.csv"
    merge_rows(path, rows("001", 1.5, 2.5), "subject")
    merge_rows(path, rows("b", 3.0), "subject")
    merge_rows(path, rows("001", 0.1 + 0.2).assign(unit="SUV"), "subject")
    table = read_table(path, numbers={"ml": "float64"})
    assert table.to_dict("list") == {"subject": ["b", "001"], "ml": [3.0, 0.1 + 0.2], "unit": ["", "SUV"]}
    assert [entry.name for entry in tmp_path.iterdir()] == ["volumes.csv"]


def test_many_merge_at_once_and_no_row_is_lost(tmp_path):
    path = tmp_path / "volumes.csv"
    threads = [threading.Thread(target=merge_rows, args=(path, rows(f"s{k}", k), "subject")) for k in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(read_table(path)["subject"]) == sorted(f"s{k}" for k in range(20))


def test_another_table_is_not_written_over(tmp_path):
    (tmp_path / "volumes.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match="has no column 'subject'; it is another table"):
        merge_rows(tmp_path / "volumes.csv", rows("s", 1), "subject")
    assert (tmp_path / "volumes.csv").read_text() == "a,b\n1,2\n"
