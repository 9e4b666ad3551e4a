"""No garbage is looked for while tests and all that they need are imported, nor ever in what stays of that."""

import gc


def pytest_configure() -> None:
    gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()
