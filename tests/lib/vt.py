"""Vt: a full screen as a person sees it: cells with colours, made from the bytes that a program wrote.

It knows what ncurses writes for xterm-256color and what the full screen adds to it, and fails on everything else, since a stray control byte is just what
tests look for.
"""

import re

from glass import width

SEQUENCE = re.compile(r"\x1b\[([?>]?)([0-9;]*)([ -/]?)([@-~])")
OSC = re.compile(r"\x1b\]([^\x07\x1b]*)\x07")
SHORT = re.compile(r"\x1b(\(B|\)0|[=>78M])")
LONGEST = 4096  # of a sequence
MODES = {"1": "keys", "7": "wrap", "12": "blink", "25": "cursor", "1004": "focus", "1049": "other", "2004": "paste"}
PLAIN = ((), None)


class Vt:
    def __init__(self, columns=80, rows=24):
        self.modes = {"wrap": True, "cursor": True}
        self.told = []  # what OSC 9 said
        self.bells = 0
        self.first = None  # the screen under the full one
        self.style = PLAIN
        self.resize(columns, rows)

    def resize(self, columns, rows):
        self.columns, self.height = columns, rows
        self.cells = [[(" ", PLAIN)] * columns for _ in range(rows)]
        self.row = self.column = 0
        self.hangs = False
        self.margins = 0, rows - 1

    def lines(self):
        return ["".join(character for character, _ in row).rstrip() for row in self.cells]

    def text(self):
        return "\n".join(self.lines())

    def styles(self, row):
        return [style for _, style in self.cells[row]]

    def write(self, text):
        """Take in text; returns what is cut in two at its end, to be given again with more behind it."""
        at = 0
        while at < len(text):
            if text[at] != "\x1b":
                self._character(text[at])
                at += 1
                continue
            found = SEQUENCE.match(text, at) or OSC.match(text, at) or SHORT.match(text, at)
            if not found:
                if len(text) - at < LONGEST and "\x1b" not in text[at + 1:]:
                    return text[at:]
                raise AssertionError(f"an escape sequence that the full screen never writes: {text[at:at + 40]!r}")
            self._take(found)
            at = found.end()
        return ""

    def _take(self, found):
        if found.re is SEQUENCE:
            mark, numbers, middle, final = found.groups()
            assert not middle, f"an unknown sequence {found[0]!r}"
            if mark:
                assert mark == "?" and final in "hl", f"an unknown sequence {found[0]!r}"
                for number in numbers.split(";"):
                    self._mode(MODES[number], final == "h")
                return
            act = getattr(self, "_csi_" + {"@": "insert"}.get(final, final), None)
            assert act, f"an escape sequence that the full screen never writes: {found[0]!r}"
            act([int(number or 0) for number in numbers.split(";")])
        elif found[0] == "\x1bM":
            if self.row == self.margins[0]:
                self._csi_T([1])
            else:
                self._go(row=self.row - 1)
        elif found.re is OSC:
            kind, _, words = found[1].partition(";")
            assert kind in ("9", "104"), f"an unknown command to the terminal: {found[1]!r}"
            if kind == "9":
                assert words.isprintable()
                self.told.append(words)

    def _mode(self, name, is_on):
        if name == "other" and is_on and not self.modes.get("other"):
            self.first = self.cells, self.row, self.column
            self.cells = [[(" ", PLAIN)] * self.columns for _ in range(self.height)]
        elif name == "other" and not is_on and self.first:
            self.cells, self.row, self.column = self.first
            self.resize_kept()
        self.modes[name] = is_on

    def resize_kept(self):
        """The first screen comes back in the present size."""
        rows = [(row + [(" ", PLAIN)] * self.columns)[:self.columns] for row in self.cells[:self.height]]
        self.cells = rows + [[(" ", PLAIN)] * self.columns for _ in range(self.height - len(rows))]
        self.row, self.column = min(self.row, self.height - 1), min(self.column, self.columns - 1)

    # Sequences: each takes its numbers

    def _go(self, row=None, column=None):
        self.row = self.row if row is None else min(max(row, 0), self.height - 1)
        self.column = self.column if column is None else min(max(column, 0), self.columns - 1)
        self.hangs = False

    def _csi_H(self, n):
        self._go((n[0] or 1) - 1, (n[1] if len(n) > 1 and n[1] else 1) - 1)

    def _csi_A(self, n):
        self._go(row=self.row - (n[0] or 1))

    def _csi_B(self, n):
        self._go(row=self.row + (n[0] or 1))

    def _csi_C(self, n):
        self._go(column=self.column + (n[0] or 1))

    def _csi_D(self, n):
        self._go(column=self.column - (n[0] or 1))

    def _csi_G(self, n):
        self._go(column=(n[0] or 1) - 1)

    def _csi_d(self, n):
        self._go(row=(n[0] or 1) - 1)

    def _blank(self, row, begin, end):
        for column in range(begin, min(end, self.columns)):
            self._set(row, column, " ")

    def _csi_J(self, n):
        first, last = {0: (self.row + 1, self.height), 1: (0, self.row), 2: (0, self.height)}[n[0]]
        for row in range(first, last):
            self._blank(row, 0, self.columns)
        if n[0] < 2:
            self._csi_K(n)

    def _csi_K(self, n):
        begin, end = {0: (self.column, self.columns), 1: (0, self.column + 1), 2: (0, self.columns)}[n[0]]
        self._blank(self.row, begin, end)

    def _csi_X(self, n):
        self._blank(self.row, self.column, self.column + (n[0] or 1))

    def _csi_P(self, n):
        row, count = self.cells[self.row], n[0] or 1
        row[self.column:] = (row[self.column + count:] + [(" ", PLAIN)] * count)[:self.columns - self.column]

    def _csi_insert(self, n):
        row, count = self.cells[self.row], n[0] or 1
        row[self.column:] = ([(" ", PLAIN)] * count + row[self.column:])[:self.columns - self.column]

    def _csi_L(self, n):
        top, bottom = self.row, max(self.row, self.margins[1])
        for _ in range(n[0] or 1):
            del self.cells[bottom]
            self.cells.insert(top, [(" ", PLAIN)] * self.columns)

    def _csi_M(self, n):
        top, bottom = self.row, max(self.row, self.margins[1])
        for _ in range(n[0] or 1):
            del self.cells[top]
            self.cells.insert(bottom, [(" ", PLAIN)] * self.columns)

    def _csi_S(self, n):
        top, bottom = self.margins
        for _ in range(n[0] or 1):
            del self.cells[top]
            self.cells.insert(bottom, [(" ", PLAIN)] * self.columns)

    def _csi_T(self, n):
        top, bottom = self.margins
        for _ in range(n[0] or 1):
            del self.cells[bottom]
            self.cells.insert(top, [(" ", PLAIN)] * self.columns)

    def _csi_b(self, n):
        for _ in range(n[0] or 1):
            self._put(self.last)

    def _csi_r(self, n):
        top, bottom = (n[0] or 1) - 1, min((n[1] if len(n) > 1 and n[1] else self.height), self.height) - 1
        if top < bottom:
            self.margins = top, bottom
            self._go(0, 0)

    def _csi_h(self, n):
        assert n == [4], "an unknown mode"

    _csi_l = _csi_h

    def _csi_t(self, n):
        assert n in ([22, 0, 0], [23, 0, 0]), "an unknown window command"

    def _csi_m(self, numbers):
        attributes, color = set(self.style[0]), self.style[1]
        at = 0
        while at < len(numbers):
            number = numbers[at]
            at += 1
            if number == 0:
                attributes, color = set(), None
            elif number in (1, 2, 4, 7):
                attributes.add(number)
            elif number in (22, 24, 27):
                attributes -= {1, 2} if number == 22 else {number - 20}
            elif 30 <= number <= 37 or 90 <= number <= 97:
                color = number - 30 if number < 90 else number - 82
            elif number == 39:
                color = None
            elif number == 38:
                assert numbers[at] == 5
                color = numbers[at + 1]
                at += 2
            else:
                assert number == 49, f"an unknown colour {number}"
        self.style = tuple(sorted(attributes)), color

    # Characters

    def _character(self, character):
        if character == "\r":
            self._go(column=0)
        elif character == "\n":
            self._down()
        elif character == "\b":
            self._go(column=self.column - 1)
        elif character == "\a":
            self.bells += 1
        else:
            assert character.isprintable() or character in "\u200c\u200d", f"a raw control character: {character!r}"
            self._put(character)

    def _down(self):
        if self.row == self.margins[1]:
            self._csi_S([1])
        else:
            self._go(row=self.row + 1)

    def _set(self, row, column, character):
        cells = self.cells[row]
        if cells[column][0] == "" and column > 0:
            cells[column - 1] = (" ", cells[column - 1][1])
        if column + 1 < self.columns and cells[column + 1][0] == "":
            cells[column + 1] = (" ", cells[column + 1][1])
        cells[column] = (character, self.style)

    def _put(self, character):
        wide = width(character)
        if wide == 0 or character in "\ufe0f\u200d\u200c":
            at = self.column if self.hangs else max(0, self.column - 1)
            while at > 0 and self.cells[self.row][at][0] == "":
                at -= 1
            kept, style = self.cells[self.row][at]
            self.cells[self.row][at] = (kept + character, style)
            return
        self.last = character
        # A wide character that does not fit goes to the next row, as xterm has it: what was drawn for a wider terminal
        # may still be on its way when the terminal shrinks.
        if self.modes["wrap"] and (self.hangs or self.column + wide > self.columns):
            self._down()
            self._go(column=0)
        self._set(self.row, self.column, character)
        if wide == 2:
            self._set(self.row, self.column + 1, " ")
            self.cells[self.row][self.column + 1] = ("", self.style)
        self.hangs = self.column + wide >= self.columns
        self.column = min(self.column + wide, self.columns - 1)
