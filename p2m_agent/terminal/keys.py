"""Keys of a message: Enter sends, Alt-Enter begins a new line, and what is pasted is folded to a word about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

FOLDED_LINES = 8
"""Pasted lines from which on only their number is shown."""


class Pastes:
    """Long pasted texts, kept apart from the line that is edited."""

    def __init__(self) -> None:
        """Nothing was pasted yet."""
        self._kept: dict[str, str] = {}

    def folded(self, text: str) -> str:
        """What stands in the line for a pasted text: itself, where it is short."""
        lines = text.replace("\r\n", "\n").replace("\r", "\n")
        number = lines.count("\n") + 1
        if number < FOLDED_LINES:
            return lines
        mark = f"[{number:,} lines pasted, {len(self._kept) + 1}]"
        self._kept[mark] = lines
        return mark

    def unfolded(self, line: str) -> str:
        """The line with the pasted texts in their places."""
        for mark, text in self._kept.items():
            line = line.replace(mark, text)
        return line


def message_keys(pastes: Pastes) -> KeyBindings:
    """Bindings on top of the usual ones."""
    from prompt_toolkit.key_binding import KeyBindings
    from prompt_toolkit.keys import Keys

    keys = KeyBindings()

    @keys.add("enter")
    def _send(event: KeyPressEvent) -> None:
        event.current_buffer.validate_and_handle()

    @keys.add("escape", "enter")
    def _new_line(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    @keys.add(Keys.BracketedPaste)
    def _paste(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text(pastes.folded(event.data))

    return keys
