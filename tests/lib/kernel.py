"""A kernel that lacks some of its calls, as the program sees it that is started there."""

import ctypes
import sys

import pytest

LIBRARY = "libseccomp.so.2"
SCRIPT = f"""
import ctypes, errno, os, sys
seccomp = ctypes.CDLL("{LIBRARY}")
seccomp.seccomp_init.restype = ctypes.c_void_p
allowed, refused = 0x7fff0000, 0x00050000 | errno.ENOSYS
rules = ctypes.c_void_p(seccomp.seccomp_init(allowed))
end = sys.argv.index("--")
for name in sys.argv[1:end]:
    assert seccomp.seccomp_rule_add(rules, refused, seccomp.seccomp_syscall_resolve_name(name.encode()), 0) == 0, name
assert seccomp.seccomp_load(rules) == 0
os.execv(sys.argv[end + 1], sys.argv[end + 1:])
"""


def without(*calls):
    """For serve(before=…): these calls fail with ENOSYS, as in a kernel that never heard of them."""
    try:
        ctypes.CDLL(LIBRARY)
    except OSError:
        pytest.skip(f"no {LIBRARY} here")
    return [sys.executable, "-c", SCRIPT, *calls, "--"]
