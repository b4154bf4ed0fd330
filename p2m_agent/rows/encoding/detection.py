"""Which encoding a file of text is in: UTF-8 where it can be, else the code page in which it reads like a text.

The whole file is looked at, since an export may be plain ASCII for a million lines before the first "é".
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from p2m_agent.errors import UsageError
from p2m_agent.rows.encoding.plausibility import plausibility
from p2m_agent.types.doubts import Doubt

BLOCK = 1 << 20
EVIDENCE_BYTES = 60_000
MIXED = "p2m_agent.cp1252"
"""The error handler that reads what is no UTF-8 as Windows-1252."""
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
CANDIDATES = {
    # codec: (what people call it, head start: what is in wide use wins where nothing tells two apart)
    "cp1252": ("Windows-1252", 0.06),
    "cp1250": ("Windows-1250, Central European", 0.03),
    "cp1251": ("Windows-1251, Cyrillic", 0.06),
    "cp1253": ("Windows-1253, Greek", 0.03),
    "cp1254": ("Windows-1254, Turkish", 0.02),
    "cp1255": ("Windows-1255, Hebrew", 0.03),
    "cp1256": ("Windows-1256, Arabic", 0.03),
    "cp1257": ("Windows-1257, Baltic", 0.02),
    "cp932": ("Shift JIS", 0.05),
    "cp949": ("EUC-KR", 0.05),
    "gb18030": ("GB 18030", 0.05),
    "big5": ("Big5", 0.04),
    "euc_jp": ("EUC-JP", 0.04),
    "koi8_r": ("KOI8-R", 0.02),
    "koi8_u": ("KOI8-U", 0.01),
    "cp874": ("Windows-874, Thai", 0.0),
    "iso8859_2": ("ISO-8859-2", 0.0),
    "iso8859_5": ("ISO-8859-5", 0.0),
    "iso8859_7": ("ISO-8859-7", 0.0),
    "iso8859_15": ("ISO-8859-15", 0.0),
    "mac_roman": ("Mac Roman", 0.0),
    "mac_cyrillic": ("Mac Cyrillic", 0.0),
    "cp850": ("DOS code page 850", 0.0),
    "cp866": ("DOS code page 866", 0.0),
    "latin_1": ("ISO-8859-1", -0.05),
}
NAMES = {"utf-8": "UTF-8", "utf-8-sig": "UTF-8", "utf-16": "UTF-16", "utf-32": "UTF-32"}
SEQUENCE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
BEYOND_ASCII = bytes(range(128, 256))


@dataclass(frozen=True)
class Encoding:
    """How to decode a file, and what is to be said about it."""

    codec: str
    name: str
    """What people call it."""
    errors: str = "strict"
    doubts: tuple[Doubt, ...] = ()


@dataclass
class _Evidence:
    """What a pass over the file gathers."""

    utf8: bool = True
    valid: int = 0
    high: int = 0
    lines: list[bytes] = field(default_factory=list)
    size: int = 0


def encoding_of(path: Path, given: str = "") -> Encoding:
    """The encoding of a text file; `given` is what the person says.

    Raises:
        UsageError: `given` is no known encoding, or the file is in none of the known ones.
    """
    if given:
        return _given(given)
    with path.open("rb") as file:
        head = file.read(4096)
        wide = by_first_bytes(head)
        if wide:
            return wide
        file.seek(0)
        evidence = _gather(file)
    if evidence.utf8:
        return Encoding("utf-8", "UTF-8")
    sample = b"".join(evidence.lines)
    if evidence.valid >= 0.8 * evidence.high:
        return _mixed(evidence)
    return _most_plausible(path, sample)


def head_text(head: bytes) -> str:
    """The first bytes of a file as text, to look at its shape only."""
    wide = by_first_bytes(head)
    return head.decode(wide.codec if wide else "utf-8", "replace").lstrip("\ufeff")


def register_mixed() -> None:
    """Make the error handler of files that are UTF-8 but for a few bytes known to Python."""
    codecs.register_error(MIXED, _as_cp1252)


def _as_cp1252(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


def _given(name: str) -> Encoding:
    try:
        codec = codecs.lookup(name).name
    except LookupError as error:
        known = ", ".join(("utf-8", "utf-16", *CANDIDATES))
        raise UsageError(f"There is no encoding {name!r}.", f"Known to --encoding: {known} and more.") from error
    codec = "utf-8-sig" if codec == "utf-8" else codec
    return Encoding(codec, NAMES.get(codec) or CANDIDATES.get(codec, (name, 0.0))[0])


def by_first_bytes(head: bytes) -> Encoding | None:
    """The encoding that a mark or the places of zero bytes prove; None where they tell nothing."""
    for bom, codec in BOMS:
        if head.startswith(bom):
            return Encoding(codec, NAMES[codec]) if codec != "utf-8-sig" else None
    if b"\x1b$" in head and head.isascii():
        return Encoding("iso2022_jp", "ISO-2022-JP")
    codec = _wide_without_bom(head)
    return Encoding(codec, f"{codec.upper()} without a mark", doubts=(_wide_doubt(codec),)) if codec else None


def _wide_without_bom(head: bytes) -> str:
    """UTF-16 or UTF-32 by where the zero bytes stand; texts of other scripts have spaces and line ends too."""
    zeros = [head[place::4].count(0) for place in range(4)]
    quarter = max(1, len(head) // 4)
    if zeros[2] + zeros[3] > 1.8 * quarter and zeros[0] < quarter / 4:
        return "utf-32-le"
    if zeros[0] + zeros[1] > 1.8 * quarter and zeros[3] < quarter / 4:
        return "utf-32-be"
    even, odd = zeros[0] + zeros[2], zeros[1] + zeros[3]
    if even + odd < max(2, len(head) // 50):
        return ""
    return "utf-16-le" if odd > 3 * even else "utf-16-be" if even > 3 * odd else ""


def _wide_doubt(codec: str) -> Doubt:
    text = f"The file has no mark of its encoding; its zero bytes stand as in {codec.upper()}."
    return Doubt(kind="format", text=text, settle="--encoding NAME")


def _gather(file: BinaryIO) -> _Evidence:
    found = _Evidence()
    decoder = codecs.getincrementaldecoder("utf-8")()
    while block := file.read(BLOCK):
        block += file.readline(BLOCK)
        if block.isascii() and not decoder.getstate()[0]:
            continue
        whole = _decodes(decoder, block)
        found.utf8 = found.utf8 and whole
        _note(found, block, whole=whole)
    found.utf8 = found.utf8 and _decodes(decoder, b"", final=True)
    return found


def _decodes(decoder: codecs.IncrementalDecoder, block: bytes, *, final: bool = False) -> bool:
    try:
        decoder.decode(block, final)
    except UnicodeDecodeError:
        decoder.reset()
        return False
    return True


def _note(found: _Evidence, block: bytes, *, whole: bool) -> None:
    """Count bytes beyond ASCII, and keep lines with some, of every part of the file."""
    high = len(block) - len(block.translate(None, BEYOND_ASCII))
    found.high += high
    found.valid += high if whole else sum(map(len, SEQUENCE.findall(block)))
    if found.size < EVIDENCE_BYTES:
        for line in block.splitlines(keepends=True):
            if not line.isascii():
                found.lines.append(line)
                found.size += len(line)
            if found.size > EVIDENCE_BYTES:
                break


def _mixed(evidence: _Evidence) -> Encoding:
    register_mixed()
    broken = evidence.high - evidence.valid
    doubt = Doubt(
        kind="format",
        text=f"The file is UTF-8, but {broken} of its {evidence.high} bytes beyond ASCII are not.",
        done="Those were read as Windows-1252.",
        settle="--encoding NAME, or save the file as UTF-8",
    )
    return Encoding("utf-8", "UTF-8 with stray Windows-1252", MIXED, (doubt,))


def _most_plausible(path: Path, sample: bytes) -> Encoding:
    scores = {codec: score for codec in CANDIDATES if (score := _score(sample, codec)) is not None}
    if not scores:
        raise UsageError(f"{path} is in no known encoding.", "Name it with --encoding, or save the file as UTF-8.")
    first, *others = sorted(scores, key=lambda codec: -scores[codec])
    text = sample.decode(first, "replace")
    other = next((codec for codec in others if sample.decode(codec, "replace") != text), "")
    close = bool(other) and scores[first] - scores[other] < 0.1
    name = CANDIDATES[first][0]
    return Encoding(first, name, doubts=(_guess_doubt(name, text, sample, other, close=close),))


def _score(sample: bytes, codec: str) -> float | None:
    try:
        text = sample.decode(codec)
    except UnicodeDecodeError as error:
        if error.start < len(sample) - 3:
            return None
        text = sample[: error.start].decode(codec)
    return plausibility(text, codec) + CANDIDATES[codec][1]


def _guess_doubt(name: str, text: str, sample: bytes, other: str, *, close: bool) -> Doubt:
    word = _example(text)
    versus = ""
    if close:
        versus = f" {CANDIDATES[other][0]} fits nearly as well: {_example(sample.decode(other, 'replace'))!r}."
    return Doubt(
        kind="format",
        text=f"The file is not UTF-8. It was read as {name}, which gives words such as {word!r}.{versus}",
        done=f"Read as {name}.",
        settle="--encoding NAME" + (f", e.g. --encoding {other}" if close else ""),
        grave=close,
    )


def _example(text: str) -> str:
    """A word with a letter beyond ASCII, rather a long one."""
    words = [word for word in re.findall(r"[^\W\d_]+", text[:20_000]) if not word.isascii()]
    return max((word[:24] for word in words[:200]), key=len, default=text.strip()[:12])
