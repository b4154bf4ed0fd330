"""What licence a student may carry: that of its base model and its data, said plainly where it is not known."""

from __future__ import annotations

from collections.abc import Sequence

from p2m_agent.search.licences import LicenceKind, kind_of
from p2m_agent.types.rows import Dataset

_BINDS: dict[LicenceKind, str] = {
    "permissive": "",
    "non-commercial": " **Not for commercial use.**",
    "no-derivatives": " **It does not allow derived works to be passed on.**",
    "share-alike": " What is derived from it may have to be passed on under the same terms.",
    "unknown": " Its terms are not known here: read them before you pass the model on.",
}


def front_matter_licence(base: str | None, datasets: Sequence[Dataset]) -> dict[str, str]:
    """The licence keys of a Hub model card: one id where all parts agree, else `other`."""
    parts = {base, *(dataset.licence for dataset in datasets if dataset.origin != "user")}
    only = next(iter(parts)) if len(parts) == 1 else None
    if only and "," not in only:
        return {"license": only}
    return {"license": "other", "license_name": "see-licences-of-parts", "license_link": "README.md#licences"}


def licence_lines(base_name: str, base: str | None, datasets: Sequence[Dataset]) -> list[str]:
    """What binds the student, one sentence per part, with warnings."""
    lines = [
        "A trained model follows the licences of its base model and of its training data. This is no legal advice."
    ]
    lines.append(_line(f"Base model {base_name}", base))
    for dataset in datasets:
        if dataset.origin == "user" and not dataset.licence:
            lines.append(f"Data {dataset.ref}: your own file; its terms are yours to know.")
        elif dataset.origin == "synthetic":
            lines.append(
                f"Data {dataset.ref}: written by a language model; the terms of its provider may restrict "
                "the training of other models."
            )
        else:
            lines.append(_line(f"Data {dataset.ref}", dataset.licence))
    return lines


def _line(part: str, licence: str | None) -> str:
    if licence is None:
        return f"{part}: **unknown**. Find out before you pass the model on."
    return f"{part}: {licence}.{_BINDS[kind_of(licence)]}"
