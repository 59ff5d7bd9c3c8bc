"""Glass: what a person sees of a terminal: rows of text, made from the bytes a program wrote.

Knows what plain mode uses and fails on everything else, since a stray control byte is just what tests look for.
"""

import re
import unicodedata

SEQUENCE = re.compile(r"\x1b\[([0-9;]*)([A-Za-z])")


def width(character):
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


class Glass:
    def __init__(self, columns=80):
        self.columns = columns
        self.rows = [[]]
        self.row = self.column = 0
        self.hangs = False  # the cursor hangs at the end of a full row
        self.is_green = False
        self.green_text = ""  # all that was written in green

    def write(self, text):
        at = 0
        while at < len(text):
            if text[at] == "\x1b":
                found = SEQUENCE.match(text, at)
                if not found:
                    if len(text) - at < 8:
                        return text[at:]  # cut in two: the rest is still to come
                    raise AssertionError(f"an escape sequence that plain mode never writes: {text[at:at + 20]!r}")
                self._sequence(found[1], found[2])
                at = found.end()
            else:
                self._character(text[at])
                at += 1
        return ""

    def lines(self):
        """The rows from the top, without spaces at their ends."""
        return ["".join(cell for cell in row).rstrip() for row in self.rows]

    def _sequence(self, numbers, final):
        if final == "A":
            self.row = max(0, self.row - int(numbers or 1))
        elif final == "J":
            assert numbers in ("", "0")
            del self.rows[self.row + 1:]
            del self.rows[self.row][self.column:]
        elif final == "m":
            assert numbers in ("0", "", "32"), f"an unexpected colour {numbers}"
            self.is_green = numbers == "32"
        else:
            raise AssertionError(f"an escape sequence that plain mode never writes: ESC [ {numbers} {final}")
        self.hangs = False

    def _character(self, character):
        if character == "\r":
            self.column, self.hangs = 0, False
        elif character == "\n":
            self._down()
        elif character == "\b":
            self.column = max(0, self.column - 1)
        else:
            assert character.isprintable(), f"a raw control character reached the terminal: {character!r}"
            self._put(character)

    def _down(self):
        self.row += 1
        self.hangs = False
        if self.row == len(self.rows):
            self.rows.append([])

    def _put(self, character):
        wide = width(character)
        row = self.rows[self.row]
        if wide == 0:
            row[self.column - 1] += character
            return
        if self.hangs or self.column + wide > self.columns:
            self.column = 0
            self._down()
            row = self.rows[self.row]
        row.extend(" " * (self.column - len(row)))
        row[self.column:self.column + wide] = [character] + [""] * (wide - 1)
        self.column += wide
        if self.is_green:
            self.green_text += character
        if self.column >= self.columns:
            self.column, self.hangs = self.columns - 1, True
