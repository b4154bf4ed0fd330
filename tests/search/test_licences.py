from __future__ import annotations

from pathlib import Path

import pytest

from p2m_agent.search.hub import IndexedHub
from p2m_agent.search.licences import LicenceKind, forbidden, kind_of, rule
from p2m_agent.settings import Settings
from p2m_agent.weights.front_matter import licence_of


@pytest.mark.parametrize(
    ("licence", "kind"),
    [
        ("mit", "permissive"),
        ("Apache License, Version 2.0", "permissive"),
        ("CC BY 4.0", "permissive"),
        ("cc0-1.0", "permissive"),
        ("bsd-3-clause", "permissive"),
        ("cc-by-sa-4.0", "share-alike"),
        ("gpl-3.0", "share-alike"),
        ("odbl", "share-alike"),
        ("cc-by-nd-4.0", "no-derivatives"),
        ("cc-by-nc-4.0", "non-commercial"),
        ("cc-by-nc-sa-3.0", "non-commercial"),
        ("cc-by-nc-nd-4.0", "non-commercial"),
        ("some-house-terms", "unknown"),
        ("permit-only", "unknown"),
        ("odbl-1.0", "share-alike"),
        ("cdla-sharing-1.0", "share-alike"),
        ("eupl-1.2", "share-alike"),
        ("The MIT License", "permissive"),
        ("apache2.0", "permissive"),
        ("other", "unknown"),
        ("mit, apache-2.0", "permissive"),
        ("mit, cc-by-nc-4.0", "non-commercial"),
        ("cc-by-sa-4.0, some-house-terms", "unknown"),
        (None, "unknown"),
    ],
)
def test_licences_are_of_a_kind(licence: str | None, kind: LicenceKind) -> None:
    assert kind_of(licence) == kind


def test_without_wishes_permissive_is_allowed_and_the_rest_warned_of() -> None:
    assert rule("mit").verdict == "allow"
    assert rule("cc-by-nc-4.0").verdict == "warn"
    assert "commercial" in rule("cc-by-nc-4.0").why
    assert rule(None).verdict == "warn"
    assert rule("cc-by-sa-4.0").verdict == "warn"


def test_only_what_is_allowed_may_be_used_and_then_without_a_warning() -> None:
    assert rule("CC-BY-NC-4.0", ("cc-by-nc-4.0",)).verdict == "allow"
    assert rule("apache-2.0", ("permissive",)).verdict == "allow"
    assert rule("apache-2.0", ("mit",)).verdict == "refuse"
    assert "only mit may be used" in rule("apache-2.0", ("mit",)).why
    assert forbidden(None, ("mit",))
    assert not forbidden(None, None)


def test_what_is_refused_stays_refused() -> None:
    assert rule("mit", ("mit",), refused=("mit",)).verdict == "refuse"
    assert rule("cc-by-nc-4.0", refused=("non-commercial",)).verdict == "refuse"
    assert rule(None, refused=("unknown",)).verdict == "refuse"
    assert rule("mit", refused=("unknown", "non-commercial")).verdict == "allow"


def test_a_search_leaves_refused_licences_out_and_says_so(tmp_path: Path) -> None:
    for name, licence in (("shop__free", "mit"), ("shop__closed", "cc-by-nc-4.0")):
        folder = tmp_path / name
        (folder / "data").mkdir(parents=True)
        text = "Customer letters to a shop, sorted by complaint, refund and praise."
        (folder / "README.md").write_text(f"---\nlicense: {licence}\n---\n\n## Description\n\n{text}\n")
        (folder / "data" / "train.jsonl").write_text('{"text": "a", "label": "b"}\n')
    settings = Settings(
        _env_file=None,
        hubs=(str(tmp_path),),
        cache_dir=tmp_path / "cache",
        refuse_licences=("non-commercial",),
    )
    found = IndexedHub(settings, lambda: None).find_datasets(
        "sort customer letters to a shop: complaint, refund, praise", None, 5
    )
    repos = [each.repo for each in found.candidates]
    assert "shop/free" in repos
    assert "shop/closed" not in repos
    assert "shop/closed" in " ".join(found.notes)


@pytest.mark.parametrize(
    "allowed", ["permissive", "Apache-2.0", "apache 2.0", "apache2.0", "Apache License, Version 2.0"]
)
def test_a_licence_is_meant_however_it_is_written(allowed: str) -> None:
    assert rule("apache-2.0", (allowed,)).verdict == "allow"
    assert rule("Apache 2", (allowed,)).verdict == "allow"
    assert rule("cc-by-nc-4.0", (allowed,)).verdict == "refuse"


def test_all_of_several_licences_have_to_be_allowed_and_none_refused() -> None:
    assert rule("mit, cc-by-4.0", ("mit",)).verdict == "refuse"
    assert rule("mit, cc-by-4.0", ("mit", "cc-by-4.0")).verdict == "allow"
    assert rule("mit, gpl-3.0", refused=("copyleft",)).verdict == "refuse"
    assert rule(None, ("copyleft",)).verdict == "refuse"


def test_no_licence_of_a_card_is_dropped() -> None:
    assert licence_of(["MIT", "cc-by-nc-4.0"]) == "mit, cc-by-nc-4.0"
    assert licence_of(["mit", "other"]) is None
    assert licence_of("other") is licence_of([]) is licence_of(None) is None
