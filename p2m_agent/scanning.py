"""What lies in a folder of the package, one file each: adding one is adding a file."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator


def members(package: str, attribute: str) -> Iterator[tuple[str, object]]:
    """Every module of a package with the value it holds under a name, in alphabetical order.

    Files whose names begin with an underscore are private helpers and left out.

    Raises:
        RuntimeError: a file does not import, or holds no such value; it names the file.
    """
    for module in pkgutil.iter_modules(importlib.import_module(package).__path__):
        if module.name.startswith("_"):
            continue
        try:
            yield module.name, getattr(importlib.import_module(f"{package}.{module.name}"), attribute)
        except (ImportError, AttributeError, SyntaxError) as error:
            raise RuntimeError(f"{module.name}.py in {package} cannot be used: {error}") from error
