"""Screen: messager's full screen at a terminal of its own (a pty), and what a person sees of it.

Everything waits for what is to be seen, with a deadline (PATIENCE seconds of wire.py); nothing sleeps.
"""

import fcntl
import re
import struct
import termios
import time

from person import Terminal
from vt import Vt
from wire import PATIENCE

SHELL_TEXT = "$ messager\r\n"  # what stands on the terminal before the program begins


class Screen(Terminal):
    def __init__(self, home, *words, env=None, columns=80, rows=24):
        super().__init__(home, *words, env=env, columns=columns, rows=rows)

    def _new_glass(self, columns, rows):
        glass = Vt(columns, rows)
        glass.write(SHELL_TEXT)
        return glass

    def resize(self, columns, rows):
        """The terminal gets another size; what it shows until it is drawn anew is undefined, here nothing."""
        while self._read(0):
            pass
        self.glass.resize(columns, rows)
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def keys(self, *keys):
        """Keys by name: "C-c", "M-1", "Enter", "PgUp", …; anything else is typed as it is."""
        names = {"Enter": "\r", "Tab": "\t", "Esc": "\x1b", "PgUp": "\x1b[5~", "PgDn": "\x1b[6~", "Up": "\x1bOA", "Down": "\x1bOB",
                 "Right": "\x1bOC", "Left": "\x1bOD", "Home": "\x1bOH", "End": "\x1bOF", "Backspace": "\x7f"}
        for key in keys:
            if re.fullmatch("C-.", key):
                self.type(bytes([ord(key[2].upper()) & 0x1f]))
            elif key.startswith("M-"):
                self.type("\x1b" + names.get(key[2:], key[2:]))
            else:
                self.type(names.get(key, key))

    def paste(self, text):
        self.type("\x1b[200~" + text.replace("\n", "\r") + "\x1b[201~")

    def focus(self, is_focused):
        """The terminal is looked at, or no more. When this returns, messager has heard of it, since it shows what was typed afterwards."""
        self.type(("\x1b[I" if is_focused else "\x1b[O") + "~")
        self.awaits(lambda: self.glass.lines()[-1].endswith("~"), "what was typed")
        self.keys("Backspace")

    # Seeing

    def text(self):
        return self.glass.text()

    def awaits(self, is_so, what, seconds=PATIENCE):
        """Wait until is_so() of what the screen shows; what says it in words. Returns what is_so() did."""
        __tracebackhide__ = True
        deadline = time.monotonic() + seconds
        while True:
            result = is_so()
            if result:
                return result
            if not self._read(deadline):
                raise AssertionError(f"expected {what}; the screen:\n{self.text()}\n-- the last bytes: {self.raw[-300:]!r}")

    def sees(self, pattern, seconds=PATIENCE):
        """Wait until the screen has a match; its match object."""
        __tracebackhide__ = True
        return self.awaits(lambda: re.search(pattern, self.text(), re.M), f"{pattern!r} on the screen", seconds)

    def loses(self, pattern, seconds=PATIENCE):
        """Wait until the screen has no match any more."""
        __tracebackhide__ = True
        self.awaits(lambda: not re.search(pattern, self.text(), re.M), f"no {pattern!r} on the screen", seconds)

    def row_of(self, pattern):
        """The number of the first row that has a match; None: there is none."""
        for number, line in enumerate(self.glass.lines()):
            if re.search(pattern, line):
                return number
        return None

    def top(self):
        return self.glass.lines()[0]

    def is_as_found(self):
        """Demand that the terminal has the modes it had before, and shows what it showed."""
        __tracebackhide__ = True
        assert termios.tcgetattr(self.slave) == self.modes_before, "the terminal's modes are not as they were found"
        modes = self.glass.modes
        assert not modes.get("other"), "the full screen was left standing"
        assert modes["cursor"] and not modes.get("paste") and not modes.get("focus") and not modes.get("keys"), modes
        assert self.glass.style == ((), None), f"the terminal was left with the style {self.glass.style}"
        assert self.glass.lines()[0] == SHELL_TEXT.strip(), "what the terminal showed before is gone"
