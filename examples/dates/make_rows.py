"""Write the rows of the date normalisation data set.

Every answer is computed with ``datetime`` from the value the expression was built from, so a
row can be wrong only if a rule in this file is wrong. The rules are listed in ``README.md``.

    python make_rows.py            # rewrites data/*.jsonl next to this file
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

SPLITS = {"train": 1200, "validation": 150, "test": 300}
MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
MONTHS_SHORT = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sept", "Oct", "Nov", "Dec"]
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
DAYS_SHORT = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
NUMBERS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
ORDINALS = [
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
    "twentieth",
    "twenty-first",
    "twenty-second",
    "twenty-third",
    "twenty-fourth",
    "twenty-fifth",
    "twenty-sixth",
    "twenty-seventh",
    "twenty-eighth",
    "twenty-ninth",
    "thirtieth",
    "thirty-first",
]
HOLIDAYS = {
    "Christmas": (12, 25),
    "Christmas Day": (12, 25),
    "Christmas Eve": (12, 24),
    "New Year's Day": (1, 1),
    "New Year's Eve": (12, 31),
    "Halloween": (10, 31),
    "Valentine's Day": (2, 14),
}
ANCHORS = {
    "today": 0,
    "tonight": 0,
    "tomorrow": 1,
    "tmrw": 1,
    "yesterday": -1,
    "day after tomorrow": 2,
    "the day after tomorrow": 2,
    "day before yesterday": -2,
    "the day before yesterday": -2,
    "a week from today": 7,
    "a week from tomorrow": 8,
    "a week ago": -7,
    "in a fortnight": 14,
    "a fortnight ago": -14,
}

Family = Callable[[random.Random, date], tuple[str, date]]


def random_date(rng: random.Random, first_year: int, last_year: int) -> date:
    """A day drawn evenly, so that long and short months keep their natural share."""
    start = date(first_year, 1, 1)
    return start + timedelta(days=rng.randrange((date(last_year + 1, 1, 1) - start).days))


def suffixed(day: int) -> str:
    """'3rd'; the teens take 'th' whatever their last digit."""
    ending = "th" if 11 <= day <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"{day}{ending}"


def next_on(today: date, month: int, day: int) -> date:
    """The first such day on or after the reference date: a date without a year looks ahead."""
    this_year = date(today.year, month, day)
    return this_year if this_year >= today else date(today.year + 1, month, day)


def numeric(rng: random.Random, today: date) -> tuple[str, date]:
    """A date in figures. The year leads, or the day does; the month never comes first."""
    when = random_date(rng, 1990, 2035)
    y, m, d = when.year, when.month, when.day
    forms = [
        f"{y}/{m:02}/{d:02}",
        f"{y}.{m:02}.{d:02}",
        f"{y}-{m}-{d}",
        f"{y}{m:02}{d:02}",
        f"{d}.{m}.{y}",
        f"{d:02}.{m:02}.{y}",
        f"{d}/{m}/{y}",
        f"{d:02}/{m:02}/{y}",
        f"{d}-{m}-{y}",
    ]
    if y >= 2000:  # two figures always mean 20yy, so that they have one reading
        forms += [f"{d}/{m}/{y % 100:02}", f"{d}.{m}.{y % 100:02}"]
    return rng.choice(forms), when


def written(rng: random.Random, today: date) -> tuple[str, date]:
    """A date with the month in letters and a year."""
    when = random_date(rng, 1990, 2035)
    y, d = when.year, when.day
    long, short = MONTHS[when.month - 1], MONTHS_SHORT[when.month - 1]
    month = rng.choice((long, long, short))
    named = rng.choice((DAYS, DAYS_SHORT))[when.weekday()]
    forms = (
        f"{d} {month} {y}",
        f"{suffixed(d)} {month} {y}",
        f"{suffixed(d)} of {long} {y}",
        f"the {suffixed(d)} of {long} {y}",
        f"the {ORDINALS[d - 1]} of {long} {y}",
        f"{month} {d}, {y}",
        f"{month} {suffixed(d)}, {y}",
        f"{month} {d} {y}",
        f"{d}-{short}-{y}",
        f"{named} {d} {month} {y}",
        f"{named}, {month} {d}, {y}",
    )
    return rng.choice(forms), when


def without_year(rng: random.Random, today: date) -> tuple[str, date]:
    """Day and month only. The 29th of February is left out: it has no next year to fall in."""
    drawn = random_date(rng, 2001, 2001)
    long, d = MONTHS[drawn.month - 1], drawn.day
    month = rng.choice((long, long, MONTHS_SHORT[drawn.month - 1]))
    forms = (
        f"{month} {d}",
        f"{d} {month}",
        f"{suffixed(d)} {month}",
        f"{month} {suffixed(d)}",
        f"the {suffixed(d)} of {long}",
        f"the {ORDINALS[d - 1]} of {long}",
    )
    return rng.choice(forms), next_on(today, drawn.month, d)


def anchor(rng: random.Random, today: date) -> tuple[str, date]:
    """A fixed phrase with a fixed distance in days."""
    phrase = rng.choice(list(ANCHORS))
    return phrase, today + timedelta(days=ANCHORS[phrase])


def offset(rng: random.Random, today: date) -> tuple[str, date]:
    """A count of days or weeks. No months: 'a month from 31 January' has no one answer."""
    unit, length = rng.choice((("day", 1), ("day", 1), ("week", 7)))
    count = rng.randint(1, 12) if unit == "day" else rng.randint(1, 4)
    sign = rng.choice((1, 1, -1))
    said = rng.choice((str(count), NUMBERS[count]))
    if unit == "week" and said.isdigit() and rng.random() < 0.2:
        unit = "wk"
    name = unit if count == 1 else f"{unit}s"
    ahead = (f"in {said} {name}", f"in {said} {name}", f"{said} {name} from now")
    phrase = rng.choice(ahead) if sign > 0 else f"{said} {name} ago"
    return phrase, today + timedelta(days=sign * count * length)


def weekday(rng: random.Random, today: date) -> tuple[str, date]:
    """'next' and 'last' never mean the reference date itself: both look strictly past it."""
    index = rng.randrange(7)
    name = rng.choice((DAYS, DAYS, DAYS_SHORT))[index]
    following = today + timedelta(days=(index - today.weekday() - 1) % 7 + 1)
    previous = today - timedelta(days=(today.weekday() - index - 1) % 7 + 1)
    return rng.choice(
        (
            (f"next {name}", following),
            (f"next {name}", following),
            (f"last {name}", previous),
            (f"last {name}", previous),
            (f"the {name} after next", following + timedelta(days=7)),
        )
    )


def boundary(rng: random.Random, today: date) -> tuple[str, date]:
    """The edges of months and years, reached through the first day of the next month."""
    first = today.replace(day=1)
    next_first = (first + timedelta(days=31)).replace(day=1)
    last = next_first - timedelta(days=1)
    after_next = (next_first + timedelta(days=31)).replace(day=1)
    return rng.choice(
        (
            ("end of the month", last),
            ("the end of the month", last),
            ("end of this month", last),
            ("last day of the month", last),
            ("first day of next month", next_first),
            ("the first of next month", next_first),
            ("start of next month", next_first),
            ("first day of this month", first),
            ("end of next month", after_next - timedelta(days=1)),
            ("end of last month", first - timedelta(days=1)),
            ("end of the year", date(today.year, 12, 31)),
            ("first day of next year", date(today.year + 1, 1, 1)),
        )
    )


def holiday(rng: random.Random, today: date) -> tuple[str, date]:
    """A feast with a fixed date, the next one to come or that of a named year."""
    name = rng.choice(list(HOLIDAYS))
    if rng.random() < 0.3:
        year = rng.randint(1990, 2035)
        return f"{name} {year}", date(year, *HOLIDAYS[name])
    return name, next_on(today, *HOLIDAYS[name])


FAMILIES: dict[Family, int] = {
    numeric: 25,
    written: 27,
    without_year: 12,
    anchor: 11,
    offset: 12,
    weekday: 6,
    boundary: 4,
    holiday: 3,
}


def recase(rng: random.Random, phrase: str) -> str:
    """People type without capitals, and now and then with nothing else."""
    draw = rng.random()
    return phrase.lower() if draw < 0.22 else phrase.upper() if draw > 0.96 else phrase


def make_rows(count: int, seed: int) -> list[dict[str, str]]:
    """Distinct rows in random order.

    Case is ignored when telling rows apart, so that a pair cannot come back in capitals in another split; a date with
    a year is told by its words alone, as the reference date says nothing about it.
    """
    rng = random.Random(seed)
    rows: list[dict[str, str]] = []
    seen: set[tuple[str, date | None]] = set()
    while len(rows) < count:
        today = random_date(rng, 2018, 2027)
        family = rng.choices(list(FAMILIES), weights=list(FAMILIES.values()))[0]
        phrase, answer = family(rng, today)
        key = (phrase.lower(), None if family in (numeric, written) else today)
        if key in seen:
            continue
        seen.add(key)
        rows.append({"expression": recase(rng, phrase), "today": today.isoformat(), "date": answer.isoformat()})
    return rows


def main() -> None:
    """Cut one random list into the splits, so that they are all of the same kind."""
    parser = argparse.ArgumentParser(description="Write the rows of the date data set.")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "data")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    rows = make_rows(sum(SPLITS.values()), options.seed)
    start = 0
    for split, size in SPLITS.items():
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows[start : start + size]]
        (options.out / f"{split}.jsonl").write_text("".join(lines), encoding="utf-8")
        start += size


if __name__ == "__main__":
    main()
