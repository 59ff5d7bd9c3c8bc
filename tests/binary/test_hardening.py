"""What the compiler and the linker were told to do against what nobody foresaw is really in the programs of build/."""

import platform
import re
import subprocess
from pathlib import Path

import pytest

BUILD = Path(__file__).resolve().parents[2] / "build"
PROGRAMS = ("messagerd", "messager", "messagerctl")
RUNS_NOTHING = ("messagerd", "messagerctl")
FLAGS = ("-fstack-protector-strong", "-fstack-clash-protection", "-fcf-protection", "-ftrivial-auto-var-init=zero")

pytestmark = pytest.mark.parametrize("program", PROGRAMS)


def read(*arguments):
    return subprocess.run(arguments, check=True, capture_output=True, text=True, timeout=60).stdout


def segment(program, name):
    """The row of a segment, as readelf prints it."""
    for line in read("readelf", "--wide", "--program-headers", BUILD / program).splitlines():
        if line.split()[:1] == [name]:
            return line
    raise AssertionError(f"{program} has no segment {name}")


def imports(program):
    return {line.split()[-1].partition("@")[0] for line in read("nm", "-D", "--undefined-only", BUILD / program).splitlines()}


def test_its_place_in_memory_is_random(program):
    assert "Type: DYN (Position-Independent Executable file)" in re.sub(" +", " ", read("readelf", "--file-header", BUILD / program))


def test_what_the_linker_filled_in_is_read_only_before_main(program):
    segment(program, "GNU_RELRO")
    assert re.search(r"\(FLAGS\) +.*BIND_NOW|\(FLAGS_1\) +.*NOW", read("readelf", "--dynamic", BUILD / program))


def test_the_stack_is_not_executable(program):
    flags = segment(program, "GNU_STACK").split()[-2]
    assert flags == "RW", flags


@pytest.mark.skipif(platform.machine() != "x86_64", reason="jumps are guarded by other means there")
def test_jumps_land_where_the_compiler_meant_them_to_land(program):
    """The mark in the notes is only there where the system's own start-up code has it too, so this looks at the code."""
    code = read("objdump", "--disassemble=main", "--no-show-raw-insn", BUILD / program)
    first = re.search(r"<main>:\n +[0-9a-f]+:\s+(\w+)", code)
    assert first and first[1] == "endbr64", code[:300]


def test_copies_and_stacks_are_checked(program):
    found = imports(program)
    assert "__stack_chk_fail" in found
    assert any(name.endswith("_chk") for name in found)


def test_every_file_of_ours_was_compiled_with_every_guard(program):
    info = read("readelf", "--debug-dump=info", "--dwarf-depth=1", BUILD / program)
    producers = [line for line in info.splitlines() if "DW_AT_producer" in line and " -std=gnu11" in line]
    assert producers, "built without debug information: there is nothing to read"
    for flag in FLAGS:
        without = [line for line in producers if flag not in line]
        assert not without, (flag, without[0])


def test_the_check_of_copies_is_the_strictest(program):
    commands = (BUILD / "compile_commands.json").read_text()
    assert commands.count("-D_FORTIFY_SOURCE=3") == commands.count('"command"')


def test_nothing_is_ever_run(program):
    """The client runs what its user names (--password-command); the others have no way to run anything."""
    ways = re.compile(r"exec(v|l|ve|vp|vpe|lp|le|veat)|fexecve|system|popen|posix_spawnp?|v?fork|clone|dlopen|wordexp|uv_spawn")
    found = sorted(name for name in imports(program) if ways.fullmatch(name))
    assert program not in RUNS_NOTHING or not found, found
