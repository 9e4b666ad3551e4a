"""Random damage to files, and what a reader may do about it: read them, or say in one sentence why it can't."""

import copy
import math
import os
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

CORPUS = Path(__file__).parents[2] / "fuzz/corpus"
"""Files that a reader once choked on, a folder for each kind."""

FOUND = Path(".hypothesis/found")
"""Where such a file is left, to be looked at and moved into the corpus."""

TOLD = (ValueError, OSError, FloatingPointError)
"""What the command line tells as one sentence."""

QUICK, LONG = 25, 2000
"""Examples of a test in the usual suite, and of one that takes its time."""

SECONDS, MEMORY = 20, 3 * 2**30
"""Of the processor, and bytes of addresses on top of what the process has: what one example may take."""

WEIRD = (
    None, True, 0, -1, 2**15, 2**31, 2**63, 10**400, 0.5, -1e308, math.nan, math.inf, "", " ", "\0", "é", "=1+1", "-1",
    "nan", "1e999", "../../../etc/passwd", "/dev/zero", "https://example.org/x", "a\nb", "x" * 70000, [], {}, [[]],
    {"a": {}}, [None], ["a", 1], "{}", "!!python/object/apply:os.system [ls]", "${oc.env:HOME}", "subprocess.Popen",
)  # fmt: skip


class Hang(BaseException):
    """An example took too long."""


@contextmanager
def bounded() -> Iterator[None]:
    """Stop what takes more than `SECONDS` or `MEMORY`."""

    def late(*_: object) -> None:
        raise Hang

    held = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    limits, handler = resource.getrlimit(resource.RLIMIT_AS), signal.signal(signal.SIGPROF, late)
    resource.setrlimit(resource.RLIMIT_AS, (held + MEMORY, limits[1]))
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, handler)
        resource.setrlimit(resource.RLIMIT_AS, limits)


def told(read: Callable[[], object]) -> str:
    """What a reader says of a file: nothing, or a sentence."""
    with bounded():
        try:
            read()
        except TOLD as error:
            said = str(error)
        else:
            return ""
    assert len(said) > 10, repr(said)
    assert "Traceback" not in said
    return said


def fuzz(test: Callable[..., None], examples: int = QUICK, **strategies: st.SearchStrategy[Any]) -> Callable[..., None]:
    """Try a test on so many examples; the same ones in every run, unless there are many."""
    chosen = settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=examples == QUICK,
        suppress_health_check=list(HealthCheck),
    )
    return chosen(given(**strategies)(test))


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """Bytes of which some are flipped, cut off, repeated, left out or replaced."""
    data = bytearray(whole)
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, max(len(data) - 1, 0)))
        length = draw(st.sampled_from([1, 2, 4, 8, 64, 1000]))
        match draw(st.sampled_from(["flip", "cut", "repeat", "drop", "noise", "zeros"])):
            case "flip" if data:
                data[place] ^= 1 << draw(st.integers(0, 7))
            case "cut":
                del data[place:]
            case "repeat":
                data[place:place] = data[place : place + length]
            case "drop":
                del data[place : place + length]
            case "noise":
                data[place : place + length] = draw(st.binary(max_size=length))
            case _:
                data[place : place + length] = bytes(length)
    return bytes(data)


@st.composite
def changed(draw: st.DrawFn, value: Any) -> Any:
    """An object of dictionaries and lists in which some entries are replaced, gone, or in another place."""
    whole = [copy.deepcopy(value)]
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(whole))
        holder, key = draw(st.sampled_from(places))
        match draw(st.sampled_from(["replace", "replace", "swap", "drop", "add"])):
            case "swap":
                other, its = draw(st.sampled_from(places))
                holder[key], other[its] = copy.deepcopy(other[its]), copy.deepcopy(holder[key])
            case "drop" if holder is not whole:
                del holder[key]
            case "add" if isinstance(holder, dict):
                holder[draw(st.sampled_from(["x", "class_path", "", "__class__", "=1"]))] = draw(weird)
            case _:
                holder[key] = draw(weird)
    return whole[0]


weird = st.one_of(st.sampled_from(WEIRD).map(copy.deepcopy), st.integers(), st.floats(), st.text(max_size=8))


def _places(holder: Any) -> Iterator[tuple[Any, Any]]:
    items = holder.items() if isinstance(holder, dict) else enumerate(holder)
    for key, value in list(items):
        yield holder, key
        if isinstance(value, dict | list):
            yield from _places(value)


@contextmanager
def kept(kind: str, name: str, whole: bytes) -> Iterator[None]:
    """Leave the file where a reader chokes on it."""
    try:
        yield
    except BaseException:
        path = FOUND / kind / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(whole)
        raise


def corpus(kind: str) -> list[Path]:
    """The files of a kind that a reader once choked on."""
    return sorted((CORPUS / kind).iterdir()) if (CORPUS / kind).is_dir() else []
