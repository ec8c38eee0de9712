"""A place in a text that is being read, with the look-ahead that the grammar of paths needs."""

from __future__ import annotations

from stepmill.language.states.jsonpath.errors import PathSyntaxError

_SPACE = " "


class Cursor:
    """Reads one text from left to right.

    Args:
        text: All of it, unchanged, so that positions in errors are those that the author sees.
    """

    __slots__ = ("end", "position", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.end = len(text) - 1

    def at(self, index: int) -> str:
        """Return one character.

        Raises:
            PathSyntaxError: If the text is shorter.
        """
        if 0 <= index < len(self.text):
            return self.text[index]
        raise PathSyntaxError(
            "java.lang.StringIndexOutOfBoundsException: "
            f"Index {index} out of bounds for length {len(self.text)}"
        )

    @property
    def current(self) -> str:
        """The character here."""
        return self.at(self.position)

    def is_within(self, index: int) -> bool:
        """Whether that position belongs to the text."""
        return 0 <= index <= self.end

    @property
    def is_at_end(self) -> bool:
        """Whether nothing comes after the character here."""
        return self.position >= self.end

    def trim(self) -> None:
        """Leave blanks at both ends out."""
        self.skip_blanks()
        while self.position < self.end and self.text[self.end] == _SPACE:
            self.end -= 1

    def skip_blanks(self) -> None:
        """Go to the next character that is not a blank."""
        while self.position < self.end and self.text[self.position] == _SPACE:
            self.position += 1

    def significant_index(self, start: int) -> int:
        """Return the index of the first character after ``start`` that is no blank; -1: there is none."""
        index = start + 1
        while self.is_within(index) and self.text[index] == _SPACE:
            index += 1
        return index if self.is_within(index) else -1

    def significant(self, start: int) -> str:
        """Return the first character after ``start`` that is no blank; a blank if there is none."""
        index = self.significant_index(start)
        return self.text[index] if index >= 0 else _SPACE

    def previous_significant_index(self, start: int) -> int:
        """Return the index of the last character before ``start`` that is no blank; -1: there is none."""
        index = start - 1
        while self.is_within(index) and self.text[index] == _SPACE:
            index -= 1
        return index if self.is_within(index) else -1

    def find(self, character: str, start: int) -> int:
        """Return where a character stands next; -1: nowhere."""
        return self.text.find(character, start, self.end + 1)

    def find_unescaped(self, character: str, start: int) -> int:
        """Return where a character stands after ``start`` without a backslash before it; -1: nowhere."""
        index = start + 1
        while self.is_within(index):
            if self.text[index] == "\\":
                index += 2
                continue
            if self.text[index] == character:
                return index
            index += 1
        return -1

    def find_closing(self, start: int, opening: str, closing: str, *, skips_patterns: bool) -> int:
        """Return where the bracket that opens at ``start`` closes; -1: nowhere.

        Raises:
            PathSyntaxError: If a quote or, where they are skipped, a pattern does not end.
        """
        depth = 1
        index = start + 1
        while self.is_within(index):
            character = self.at(index)
            if character in "'\"":
                index = self._after(character, index, "quote for {} when parsing : {}")
            if skips_patterns and self.at(index) == "/":
                index = self._after("/", index, "for {} when parsing regex in : {}")
            character = self.at(index)
            depth += (character == opening) - (character == closing)
            if depth == 0:
                return index
            index += 1
        return -1

    def _after(self, mark: str, start: int, complaint: str) -> int:
        index = self.find_unescaped(mark, start)
        if index < 0:
            raise PathSyntaxError("Could not find matching close " + complaint.format(mark, self.text))
        return index + 1

    def takes(self, word: str) -> bool:
        """Go past a word if it stands here, after blanks."""
        self.skip_blanks()
        if self.text.startswith(word, self.position, self.end + 1):
            self.position += len(word)
            return True
        return False
