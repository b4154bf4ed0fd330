"""What lies in a folder of the package, one file each: adding one is adding a file."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from typing import TypeVar

T = TypeVar("T")


def members(package: str, attribute: str, kind: type[T], name_of: Callable[[T], str] | None = None) -> Iterator[T]:
    """What every module of a package holds under a name, in alphabetical order of the modules.

    Files whose names begin with an underscore are private helpers and left out.

    Args:
        package: its dotted name.
        attribute: what each module calls what it holds.
        kind: what that has to be.
        name_of: gives the name of one, where it has to be that of its file.

    Raises:
        RuntimeError: a file does not import, or holds no such value, or one of another name; it names the file.
    """
    for module in pkgutil.iter_modules(importlib.import_module(package).__path__):
        if module.name.startswith("_"):
            continue
        try:
            found = getattr(importlib.import_module(f"{package}.{module.name}"), attribute)
        except (ImportError, AttributeError, SyntaxError) as error:
            raise RuntimeError(f"{module.name}.py in {package} cannot be used: {error}") from error
        if not isinstance(found, kind) or (name_of is not None and name_of(found) != module.name):
            called = f" of the name {module.name!r}" if name_of is not None else ""
            raise RuntimeError(f"{module.name}.py in {package} has to hold {attribute} = {kind.__name__}(…){called}")
        yield found
