import pytest

from datamodules.labels.foreign_tables import Entry, draft_structures, read_foreign, table_text
from datamodules.labels.protocol_table import read_table

FREESURFER = """#No. Label Name:                R   G   B   A
0   Unknown                         0   0   0   0
2   Left-Cerebral-White-Matter      245 245 245 0
41  Right-Cerebral-White-Matter     0   225 0   0
15  4th-Ventricle                   42  204 164 0
1005 ctx-lh-cuneus                  220 20  100 0
2005 ctx-rh-cuneus                  220 20  100 0
"""
ITK_SNAP = """################################################
# ITK-SnAP Label Description File
# IDX   -R-  -G-  -B-  -A--  VIS MSH  LABEL
    0     0    0    0        0  0  0    "Clear Label"
    2   245  245  245        1  1  1    "Left Cerebral White Matter"
   41     0  225    0        1  1  1    "Right Cerebral White Matter"
"""
FSLEYES = """2 0.961 0.961 0.961 Left Cerebral White Matter
41 0.0 0.882 0 Right Cerebral White Matter
"""
BARE = "2 Left Cerebral White Matter\n41,Right Cerebral White Matter\n"
SLICER = "# Color table\n0 background 0 0 0 0\n2 Left-Cerebral-White-Matter 245 245 245 255\n"
SPM = """<?xml version="1.0" encoding="UTF-8"?>
<atlas version="2.0"><header><name>Neuromorphometrics</name></header>
<data>
<label><index>2</index><name>Left Cerebral White Matter</name></label>
<label><index>41</index><name>Right Cerebral White Matter</name></label>
</data></atlas>"""
FSL = """<atlas version="1.0"><header><name>Harvard-Oxford</name></header><data>
<label index="1" x="58" y="37" z="50">Left Cerebral White Matter</label>
<label index="40" x="30" y="37" z="50">Right Cerebral White Matter</label>
</data></atlas>"""


def written(tmp_path, text, name="list.txt"):
    (tmp_path / name).write_text(text)
    return tmp_path / name


@pytest.mark.parametrize("text", [ITK_SNAP, FSLEYES, BARE, SPM, FSL])
def test_lists_of_every_form_give_ids_and_names(tmp_path, text):
    entries = read_foreign(written(tmp_path, text))
    names = ["Left Cerebral White Matter", "Right Cerebral White Matter"]
    assert [(entry.label, entry.name) for entry in entries] == [(2, names[0]), (41, names[1])]
    if text in (ITK_SNAP, FSLEYES):
        assert entries[1].colour == (0, 225, 0)


@pytest.mark.parametrize("text", [FREESURFER, SLICER])
def test_colour_tables_give_colours_and_leave_the_background_out(tmp_path, text):
    first, *_ = read_foreign(written(tmp_path, text))
    assert first == Entry(2, "Left-Cerebral-White-Matter", (245, 245, 245))


@pytest.mark.parametrize("text", ["", "nothing here", "<html><body/></html>", "<atlas><label>"])
def test_anything_else_is_refused_with_the_forms_that_are_known(tmp_path, text):
    with pytest.raises(ValueError, match=r"list\.txt: is(n't understood as a list of labels| no XML)"):
        read_foreign(written(tmp_path, text))


def test_the_table_is_a_protocol_with_sides_partners_and_fluid(tmp_path):
    structures = draft_structures(read_foreign(written(tmp_path, FREESURFER)))
    again, folds = read_table(table_text(structures, "Made of a list."), source="mine.tsv")
    assert list(again) == structures
    assert not folds
    told = {one.label: (one.side, one.partner, one.tissue) for one in again}
    assert told == {
        0: ("", None, "background"),
        2: ("left", 41, ""),
        41: ("right", 2, ""),
        15: ("", None, "cerebrospinal fluid"),
        1005: ("left", 2005, ""),
        2005: ("right", 1005, ""),
    }


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("lLingual", "rLingual"),
        ("Precentral_L", "Precentral_R"),
        ("lh.V1", "rh.V1"),
        ("Hippocampus (L)", "Hippocampus (R)"),
    ],
)
def test_sides_are_known_however_a_tool_writes_them(left, right):
    structures = draft_structures([Entry(1, left), Entry(2, right)])
    assert [(one.side, one.partner) for one in structures[1:]] == [("left", 2), ("right", 1)]


@pytest.mark.parametrize("name", ["Lingual", "Rolandic", "Left-Right-Fissure", "All"])
def test_names_without_a_side_have_none(name):
    assert draft_structures([Entry(1, name)])[1].side == ""


def test_only_ids_that_are_present_become_structures_where_asked():
    entries = [Entry(label, f"region {label}") for label in range(1, 1500)]
    with pytest.raises(ValueError, match=r"holds 1499 labels; a protocol has at most 254 .*--present"):
        draft_structures(entries)
    assert [one.label for one in draft_structures(entries, {7, 1200}.__contains__)] == [0, 7, 1200]
    with pytest.raises(ValueError, match="None of its labels is left"):
        draft_structures(entries, {9999}.__contains__)


def test_structures_without_a_colour_are_given_different_ones():
    colours = [one.colour for one in draft_structures([Entry(label, f"r{label}") for label in range(1, 40)])]
    assert len(set(colours)) == 40
