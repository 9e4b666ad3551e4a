import pickle
from pathlib import Path

import numpy as np
import pytest

from datamodules.labels.protocol import UnknownLabelError, load_protocol, shipped_protocols

MINE = """# a remark
label\tname\tside\tpartner\ttissue\tcolour\tfolds
0\tbackground\t\t\tbackground\t#000000\t
17\tLeft-Hippocampus\tleft\t53\tgrey\t#dcd814\t500-502, 7
53\tRight-Hippocampus\tright\t17\tgrey\t#dcd814\t
"""
ASEG = """0 2 3 4 5 7 8 10 11 12 13 14 15 16 17 18 24 26 28 30 31 41 42 43 44 46 47 49 50 51 52 53 54 58 60 62 63
72 77 85 251 252 253 254 255"""


def test_aseg45_is_background_and_the_44_ids_in_order():
    assert load_protocol("aseg45").labels == tuple(map(int, ASEG.split()))


@pytest.mark.parametrize(("name", "classes"), [("aseg45", 45), ("synthseg32", 33), ("coarse9", 9)])
def test_shipped_protocols_have_the_stated_number_of_classes(name, classes):
    assert load_protocol(name).num_classes == classes


@pytest.mark.parametrize("name", shipped_protocols())
def test_labels_survive_the_way_to_indices_and_back(name):
    protocol = load_protocol(name)
    labels = np.array(protocol.labels, np.int16).reshape(-1, 1, 1)
    np.testing.assert_array_equal(protocol.to_labels(protocol.to_indices(labels)), labels)


@pytest.mark.parametrize("name", shipped_protocols())
def test_mirroring_twice_changes_nothing_and_swaps_names_of_sides(name):
    protocol = load_protocol(name)
    for index, partner in enumerate(protocol.partners):
        assert protocol.partners[partner] == index
        assert protocol.names[partner] == protocol.names[index].replace("Left", "?").replace("Right", "Left").replace(
            "?", "Right"
        )


def test_every_sided_structure_of_aseg45_has_its_mirror():
    sided = [structure for structure in load_protocol("aseg45").structures if structure.side]
    assert len(sided) == 32
    assert all(structure.partner is not None for structure in sided)


@pytest.mark.parametrize(
    ("found", "counted_as"),
    [
        *[(78, 77), (82, 77), (1000, 3), (1035, 3), (2999, 42), (3007, 2), (4035, 41), (5001, 2), (5002, 41)],
        *[(11175, 3), (12101, 42), (13101, 2), (14101, 41)],
    ],
)
def test_aseg45_folds_hypointensities_and_parcels(found, counted_as):
    protocol = load_protocol("aseg45")
    assert protocol.to_labels(protocol.to_indices(np.array([found])))[0] == counted_as


def test_every_aseg45_label_has_a_home_in_coarse9():
    coarse = load_protocol("coarse9").to_indices(np.array(load_protocol("aseg45").labels))
    assert set(coarse) == set(range(9))
    assert (coarse == 0).sum() == 1


def test_sideless_white_matter_is_not_given_a_side_by_synthseg32():
    with pytest.raises(UnknownLabelError, match="251"):
        load_protocol("synthseg32").to_indices(np.array([2, 251]))


def test_unknown_ids_are_listed_with_their_voxel_counts():
    with pytest.raises(UnknownLabelError, match=r"-3 \(1 voxels\); 999 \(.*, 2 voxels\); 70000 \(1 voxels\)") as caught:
        load_protocol("aseg45").to_indices(np.array([[2, 999, 999], [-3, 70000, 0]]))
    assert caught.value.counts == {-3: 1, 999: 2, 70000: 1}


def test_an_unknown_label_error_survives_the_way_between_processes():
    error = UnknownLabelError({999: 2}, "aseg45")
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.counts) == (str(error), error.counts)


def test_unknown_ids_become_background_when_asked():
    labels = np.array([2, 999, -3, 17], np.int16)
    np.testing.assert_array_equal(load_protocol("aseg45").fold_unknown(labels), [2, 0, 0, 17])
    assert load_protocol("aseg45").unknown_labels(labels) == {-3: 1, 999: 1}


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "int64", "float32", "float64"])
def test_any_storage_type_of_whole_numbers_is_read(dtype):
    indices = load_protocol("aseg45").to_indices(np.array([0, 2, 255], dtype))
    assert indices.dtype == np.uint8
    np.testing.assert_array_equal(indices, [0, 1, 44])


@pytest.mark.parametrize("value", [2.5, np.nan])
def test_interpolated_labels_are_refused(value):
    with pytest.raises(ValueError, match="nearest neighbour"):
        load_protocol("aseg45").to_indices(np.array([2.0, value]))


def test_a_protocol_can_be_a_file_of_the_user(tmp_path: Path):
    path = tmp_path / "mine.tsv"
    path.write_text(MINE)
    protocol = load_protocol(str(path))
    assert protocol.name == "mine"
    assert protocol.structures[1].colour == (220, 216, 20)
    assert protocol.partners == (0, 2, 1)
    np.testing.assert_array_equal(protocol.to_indices(np.array([7, 500, 501, 502, 53])), [1, 1, 1, 1, 2])


def test_an_unknown_protocol_lists_the_shipped_ones():
    with pytest.raises(ValueError, match="'aseg46': expected one of aseg45, coarse9, synthseg32"):
        load_protocol("aseg46")


def test_a_missing_table_is_named():
    with pytest.raises(FileNotFoundError, match=r"no protocol table absent\.tsv"):
        load_protocol("absent.tsv")
