"""What is installed is what was chosen: ranges, pins and hashes agree, and nothing is there that nobody asked for."""

import re
import tomllib
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
APART = {"torch"}
"""Pinned, but not by the hash of one build."""

PIN = re.compile(r"([\w.-]+)==([\w.!+]+)")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def pins(name: str) -> dict[str, str]:
    lines = (ROOT / name).read_text().splitlines()
    return {canonicalize_name(found[1]): found[2] for line in lines if (found := PIN.match(line))}


def asked_for() -> list[Requirement]:
    extras = PROJECT["optional-dependencies"]
    return [Requirement(text) for text in [*PROJECT["dependencies"], *extras["dev"], *extras["resenc"]]]


def test_the_lock_holds_the_pinned_versions_and_no_others():
    constraints = pins("constraints.txt")
    assert pins(".ci/requirements.lock") == {name: pin for name, pin in constraints.items() if name not in APART}
    assert constraints.keys() >= APART


def test_every_file_of_the_lock_has_a_hash_and_comes_from_no_address():
    text = (ROOT / ".ci/requirements.lock").read_text()
    entries = re.split(r"\n(?=\w)", text.split("\n", 1)[1].strip())
    assert len(entries) == len(pins(".ci/requirements.lock"))
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}\b", entry) for entry in entries)
    assert "://" not in text


@pytest.mark.parametrize("requirement", asked_for(), ids=lambda one: one.name)
def test_what_pyproject_asks_for_is_pinned_within_its_range(requirement):
    pin = pins("constraints.txt")[canonicalize_name(requirement.name)]
    assert requirement.specifier.contains(pin, prereleases=True)


def test_everything_that_is_needed_is_pinned_and_everything_pinned_is_needed():
    installed = {canonicalize_name(one.metadata["Name"]): one for one in distributions()}
    wanted = [one for one in asked_for() if one.name != "dynamic-network-architectures"]  # which comes alone
    seen: set[tuple[str, str]] = set()
    while wanted:
        one = wanted.pop()
        for extra in ("", *one.extras):
            if (key := (canonicalize_name(one.name), extra)) in seen:
                continue
            seen.add(key)
            further = [Requirement(text) for text in installed[key[0]].requires or []]
            wanted += [more for more in further if not more.marker or more.marker.evaluate({"extra": extra})]
    alone = {"dynamic-network-architectures", "setuptools"}
    assert {name for name, _ in seen} | alone == set(pins("constraints.txt"))


def test_every_range_says_why_it_stands():
    lines = (ROOT / "pyproject.toml").read_text().splitlines()
    ranges = [line for line in lines if re.match(r'\s+"[\w\[\]-]+>=', line)]
    assert len(ranges) >= len(PROJECT["dependencies"])
    assert [line for line in ranges if "#" not in line] == []


def test_installed_versions_are_the_pinned_ones():
    installed = {canonicalize_name(one.metadata["Name"]): one.version.partition("+")[0] for one in distributions()}
    assert {name: installed.get(name) for name in pins("constraints.txt")} == pins("constraints.txt")
