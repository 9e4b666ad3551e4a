"""The tables in results/ are those that the suite makes of the packs beside them."""

from pathlib import Path

import pytest
from builders.tiny_experiment import petmr

ANATOMIES = Path(__file__).parents[2] / "results/anatomies"


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("tables", "packs", "together"),
    [
        ("tables", ["*.zip"], []),
        ("modality", ["*.zip", "modality/*.zip"], ["--together", "modality"]),
        ("fusion", ["fusion/*.zip"], ["--together", "fusion"]),
        ("seeds", ["*.zip", "seeds/*.zip"], []),
        ("again", ["again/*.zip"], []),
        ("first-plan/fold-0", ["first-plan/*.zip"], []),
    ],
)
def test_the_tables_of_the_anatomies_follow_from_their_packs(tmp_path, tables, packs, together):
    given = [pack for pattern in packs for pack in sorted(ANATOMIES.glob(pattern))]
    assert len(given) >= len(packs)
    ended = petmr("report", *given, *together, "--output", tmp_path)
    assert ended.returncode == 0, ended.stderr
    committed = sorted([*(ANATOMIES / tables).glob("*.md"), *(ANATOMIES / tables).glob("*.csv")])
    assert len(committed) >= 2
    for table in committed:
        (made,) = tmp_path.glob(f"*/*/{table.name}")
        assert made.read_bytes() == table.read_bytes(), table.name
