"""What others might write to do harm: control bytes, sequences for terminals, marks that turn the direction of writing, what is invisible."""

import unicodedata

C0 = [bytes([code]) for code in (*range(0x00, 0x20), 0x7f)]
C1 = [bytes([code]) for code in range(0x80, 0xa0)] + [chr(code).encode() for code in range(0x80, 0xa0)]
SEQUENCES = [
    b"\x1b[31;1m", b"\x1b[2J\x1b[H", b"\x1b[6n", b"\x1b[?1049h", b"\x1b[200~", b"\x9b31m", b"\xc2\x9b31m",  # CSI
    b"\x1b]0;title\x07", b"\x1b]52;c;aGk=\x07", b"\x1b]8;;http://x\x1b\\", b"\x1b]9;note\x07", b"\x9d0;t\x9c",  # OSC
    b"\x1bP$qm\x1b\\", b"\x1bPtmux;x\x1b\\", b"\x90q\x9c", b"\xc2\x90q\xc2\x9c",  # DCS
    b"\x1b_Ga=T\x1b\\", b"\x1b^pm\x1b\\", b"\x1bXsos\x1b\\",  # APC, PM, SOS
    b"\x1bc", b"\x1b(0", b"\x1b#8", b"\x1bN", b"\x0e\x0f", b"\x18\x1a",
    b"\x1b", b"\x1b[", b"\x1b]",  # unfinished, so that the next would finish them
]
BIDI = [chr(code).encode() for code in (0x61c, 0x200e, 0x200f, *range(0x202a, 0x202f), *range(0x2066, 0x206a))]
INVISIBLE = [chr(code).encode() for code in (
    0xad, 0x34f, 0x115f, 0x1160, 0x17b4, 0x180e, 0x200b, 0x200c, 0x200d, 0x2028, 0x2029, 0x2060, 0x2061, 0x206a, 0x3164,
    0xfeff, 0xffa0, 0xfff9, 0xfffb, 0xe0001, 0xe0041, 0xe007f)]
NO_UTF8 = [b"\xff", b"\xc3(", b"\xed\xa0\x80", b"\xc0\x8a", b"\xf5\x80\x80\x80", b"\xe2\x82"]
ALL = C0 + C1 + SEQUENCES + BIDI + INVISIBLE + NO_UTF8
UNSEEN = {0x34f, 0x115f, 0x1160, 0x17b4, 0x17b5, 0x3164, 0xffa0}  # are letters or marks to Unicode, and not seen


def assert_clean(data, allowed="\n"):
    """Demand UTF-8 of which every character is seen, but for those allowed."""
    __tracebackhide__ = True
    text = data.decode()
    for at, character in enumerate(text):
        is_text = unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp")
        assert character in allowed or (is_text and ord(character) not in UNSEEN), \
            f"{character!r} in {text[max(0, at - 40):at + 20]!r}"


def queries(foreign):
    """Everything in which a server could bring these bytes."""
    said = b"<<" + foreign + b">>"
    word = said.replace(b" ", b"_")
    return (b"RELAY alice carol " + said, b"RELAYG carol " + said, b"RELAY alice " + word + b" hello",
            b"RELAYG " + word + b" hello", b"RELAY " + word + b" carol hello", b"CMD " + said, b"CMD <" + said + b">",
            b"CNT " + said, word + b" x", b"TRY " + said, b"BEGIN " + said)


def can_be_said(foreign):
    """Two kinds of bytes end a query: they are said by themselves."""
    return b"\r\n" not in foreign + b">>"
