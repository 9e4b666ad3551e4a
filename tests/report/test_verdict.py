"""The verdict as the first screen tells it."""

from dataclasses import replace

import pytest
from builders.cases import cases_of
from builders.runs import write_runs

from benchmark.report.metrics import HEADINGS
from benchmark.report.numbers import Numbers, compute
from benchmark.report.page.margins import margins
from benchmark.report.page.verdict import headline
from benchmark.runs.evidence import gather
from benchmark.statistics.verdict import of_leader, sentences

NAMES = {"cross_fusion": "Cross fusion", "unet3d": "3D U-Net", "vnet": "V-Net"}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Numbers:
    skill = {"cross_fusion": 0.9, "unet3d": 0.6, "vnet": 0.5}
    runs = write_runs(tmp_path_factory.mktemp("runs"), cases_of(12, tuple(skill), skill=skill))
    return compute(gather([runs])[0])


def test_who_beats_all_others_leads_alone(found: Numbers):
    assert headline(found.verdict, NAMES) == "Cross fusion leads"


def test_those_that_no_test_tells_apart_from_the_leader_are_named_or_counted(found: Numbers):
    tied = replace(found.verdict, tied=("vnet",))
    assert headline(tied, NAMES) == "Cross fusion leads, tied with V-Net"
    every = replace(found.verdict, tied=("unet3d", "vnet"))
    assert headline(every, NAMES) == "Cross fusion leads, tied with all 2 others"
    assert "can't be told apart from any other one" in sentences(every, NAMES, HEADINGS)["Ties"]
    many = replace(found.verdict, tied=("vnet", "unet3d", "vnet"), compared=9)
    assert headline(many, NAMES) == "Cross fusion leads, tied with 3 of 8 others"


def test_a_leader_that_no_test_could_confirm_is_not_called_tied(found: Numbers):
    few = replace(found.verdict, tied=("vnet", "unet3d"), floor=0.19)
    assert headline(few, NAMES) == "Cross fusion leads, but no test could confirm it"


def test_nobody_leads_alone(found: Numbers):
    assert headline(replace(found.verdict, leader=""), NAMES).startswith("Fewer than two networks are complete")


def test_margins_stand_where_their_numbers_say(found: Numbers):
    closest, farthest = margins(of_leader(found.dice, "cross_fusion"), found.dice.ends, NAMES)
    assert (closest.name, farthest.name) == ("3D U-Net", "V-Net") and closest.apart
    assert closest.zero == farthest.zero == 3 and farthest.high == 97
    assert 3 < closest.low < closest.middle < closest.high < farthest.high
    difference = found.dice.scores["cross_fusion"].mean() - found.dice.scores["unet3d"].mean()
    assert closest.text.startswith(f"+{difference:.4f} (+")


def test_without_a_leader_there_is_no_margin(found: Numbers):
    assert margins(of_leader(found.dice, ""), found.dice.ends, NAMES) == ()
