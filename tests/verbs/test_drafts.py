import pytest
from builders.cohorts import brain, save

from benchmark.__main__ import main
from datamodules.labels.protocol import load_protocol
from datamodules.tables import read_table

LIST = (
    '2 245 245 245 1 1 1 "White Matter"\n3 205 62 78 1 1 1 "Cortex"\n10 0 118 14 1 1 1 "Thalamus"\n99 1 1 1 1 1 1 "x"\n'
)


def fails(capsys, *words: object) -> str:
    with pytest.raises(SystemExit) as stop:
        main([str(word) for word in words])
    assert stop.value.code == 1
    return capsys.readouterr().err


def test_a_foreign_list_becomes_a_protocol_that_prepare_takes(tmp_path, capsys):
    (tmp_path / "my labels.txt").write_text(LIST)
    label = save(tmp_path / "map.nii.gz", brain(0)[2])
    table = tmp_path / "my protocol.tsv"
    main(["protocol", str(tmp_path / "my labels.txt"), str(table), "--present", str(label)])
    assert load_protocol(str(table)).labels == (0, 2, 3, 10)
    said = capsys.readouterr().out
    assert "background and 3 structures, 0 pairs of left and right." in said
    assert f"Next: petmr check SOURCE --protocol '{table}'" in said
    assert "exists already" in fails(capsys, "protocol", tmp_path / "my labels.txt", table)
    assert "ends in .tsv" in fails(capsys, "protocol", tmp_path / "my labels.txt", tmp_path / "x.txt")


def test_ids_of_the_maps_that_the_list_lacks_are_told(tmp_path, capsys):
    (tmp_path / "list.txt").write_text("2 White\n")
    label = save(tmp_path / "map.nii.gz", brain(0)[2])
    main(["protocol", str(tmp_path / "list.txt"), str(tmp_path / "p.tsv"), "--present", str(label)])
    assert f"Not in {tmp_path}/list.txt, though in the label maps: 3, 10." in capsys.readouterr().out


def test_init_drafts_a_manifest_that_check_reads(tmp_path, capsys):
    folder = tmp_path / "Daten für PET"
    for index in range(3):
        for kind, volume in zip(("pet", "T1w", "dseg"), brain(index), strict=True):
            save(folder / f"Müller {index}_{kind}.nii.gz", volume)
    main(["init", str(folder)])
    assert f"Next: petmr check '{folder}/manifest.csv'" in capsys.readouterr().out
    assert read_table(folder / "manifest.csv")["subject"].tolist() == [f"Müller {index}" for index in range(3)]
    main(["check", str(folder / "manifest.csv"), "--protocol", "coarse9"])
    assert "exists already" in fails(capsys, "init", folder)


def test_a_draft_of_nothing_leaves_no_file(tmp_path, capsys):
    assert "holds no image" in fails(capsys, "init", tmp_path)
    assert not list(tmp_path.iterdir())
