"""Repos of the stand-in Hub: folders in Hub layout, as commits with file trees, and what the Hub's API says of them."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal

from p2m_agent.weights.front_matter import split_card

Query = dict[str, list[str]]
LFS = {".parquet", ".safetensors", ".gguf", ".bin"}
"""Files of these kinds are kept apart from git: the Hub redirects to where they are."""
DATE = "2026-01-02T03:04:05.000Z"


@cache
def digest(path: Path, _size: int, _mtime_ns: int, kind: str) -> str:
    """Hash of a file as git (sha1 of a blob) or LFS (sha256) has it."""
    content = path.read_bytes()
    if kind == "sha256":
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class File:
    """One file of a commit."""

    path: Path

    @property
    def size(self) -> int:
        return self.path.stat().st_size

    @property
    def lfs(self) -> bool:
        return self.path.suffix in LFS

    @property
    def oid(self) -> str:
        return self._digest("sha1")

    @property
    def etag(self) -> str:
        return self._digest("sha256") if self.lfs else self.oid

    def entry(self, name: str) -> dict[str, Any]:
        """As in the tree."""
        told: dict[str, Any] = {"type": "file", "oid": self.oid, "size": self.size, "path": name}
        return {**told, "lfs": {"oid": self.etag, "size": self.size, "pointerSize": 134}} if self.lfs else told

    def _digest(self, kind: str) -> str:
        stat = self.path.stat()
        return digest(self.path, stat.st_size, stat.st_mtime_ns, kind)


@dataclass(frozen=True)
class Commit:
    """A state of a repo: the files below a folder."""

    folder: Path

    @cached_property
    def files(self) -> dict[str, File]:
        paths = sorted(path for path in self.folder.rglob("*") if path.is_file())
        return {path.relative_to(self.folder).as_posix(): File(path) for path in paths}

    @cached_property
    def sha(self) -> str:
        told = "\n".join(f"{name} {file.size} {file.path.stat().st_mtime_ns}" for name, file in self.files.items())
        return hashlib.sha1(f"{self.folder}\n{told}".encode(), usedforsecurity=False).hexdigest()

    def tree(self, below: str, *, recursive: bool) -> list[dict[str, Any]] | None:
        """Files and folders below a path; None where there is no such folder."""
        prefix = f"{below}/" if below else ""
        inside = [name for name in self.files if name.startswith(prefix)]
        if not inside and below:
            return None
        found: dict[str, dict[str, Any]] = {}
        for name in inside:
            parts = name[len(prefix) :].split("/")
            for depth in range(1, len(parts)):
                folder = prefix + "/".join(parts[:depth])
                if recursive or depth == 1:
                    found.setdefault(folder, {"type": "directory", "oid": "0" * 40, "size": 0, "path": folder})
            if recursive or len(parts) == 1:
                found[name] = self.files[name].entry(name)
        return list(found.values())


@dataclass
class Repo:
    """A repo and its commits, oldest first."""

    id: str
    commits: list[Commit]
    gated: Literal["auto", "manual", False] = False
    private: bool = False
    allowed: set[str] = field(default_factory=set)
    """Tokens that may read a gated or private repo."""
    downloads: int = 0
    model: dict[str, Any] = field(default_factory=dict)
    """What the API says of a model besides: `config`, `pipeline_tag`, `safetensors`; `tags` are added to the others."""

    def at(self, revision: str) -> Commit | None:
        if revision == "main":
            return self.commits[-1]
        return next((commit for commit in self.commits if commit.sha == revision), None)

    @cached_property
    def meta(self) -> dict[str, Any]:
        readme = self.commits[-1].files.get("README.md")
        try:
            return split_card(readme.path.read_text(encoding="utf-8"))[0] if readme else {}
        except ValueError:
            return {}

    @cached_property
    def tags(self) -> list[str]:
        keys = ("license", "language", "task_categories", "size_categories")
        values = {key: self.meta.get(key) or [] for key in keys}
        listed = {key: value if isinstance(value, list) else [value] for key, value in values.items()}
        return [f"{key}:{value}" for key, found in listed.items() for value in found]

    def matches(self, query: Query) -> bool:
        """Whether a listing with these parameters has it."""
        if any(word.lower() not in self.id.lower() for word in query.get("search", [])):
            return False
        if any(tag not in self.tags for tag in query.get("filter", [])):
            return False
        authors, gated = query.get("author"), query.get("gated")
        return (not authors or self.id.startswith(f"{authors[0]}/")) and (
            not gated or bool(self.gated) == (gated[0].lower() == "true")
        )

    def summary(
        self, commit: Commit | None = None, *, expand: Collection[str] = (), blobs: bool = False
    ) -> dict[str, Any]:
        """What the API says of it; `expand` narrows that, as on the Hub."""
        commit = commit or self.commits[-1]
        siblings = [
            {"rfilename": name, **({"size": file.size, "blobId": file.oid} if blobs else {})}
            for name, file in commit.files.items()
        ]
        told = {
            "_id": hashlib.sha1(self.id.encode(), usedforsecurity=False).hexdigest()[:24],
            "id": self.id,
            "author": self.id.split("/")[0],
            "sha": commit.sha,
            "lastModified": DATE,
            "createdAt": DATE,
            "private": self.private,
            "gated": self.gated,
            "disabled": False,
            "tags": [*self.tags, *self.model.get("tags", ())],
            "downloads": self.downloads,
            "likes": 0,
            "description": f"\n\t\n\t\t{self.meta.get('pretty_name', self.id)}\n",
            "cardData": {key: value for key, value in self.meta.items() if value is not None},
            "siblings": siblings,
            **{key: value for key, value in self.model.items() if key != "tags"},
        }
        return {key: value for key, value in told.items() if not expand or key in {"_id", "id", *expand}}


def repos_in(folder: Path | None) -> dict[str, Repo]:
    """Repos below a folder: `owner/name` as `owner__name` or as `owner/name`."""
    found: dict[str, Repo] = {}
    for place in sorted(folder.iterdir()) if folder else ():
        inner = [place] if "__" in place.name else sorted(path for path in place.iterdir() if path.is_dir())
        for path in inner if place.is_dir() else ():
            name = path.name.replace("__", "/", 1) if path is place else f"{place.name}/{path.name}"
            found[name] = Repo(name, [Commit(path)], downloads=len(found))
    return found
