"""What is done to the machine under the bridge: its clock, its memory, its files.

libfiu and libfaketime come in by LD_PRELOAD, and AddressSanitizer would have to be first: these rows run the release build.
"""
import shlex
from pathlib import Path

from tests.rig import BUILD, Unavailable

FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")
FIU = [Path("/usr/lib/fiu/fiu_run_preload.so"), Path("/usr/lib/fiu/fiu_posix_preload.so")]
RELEASE = BUILD / "release" / "sqsbridge"
JUMPS = ("+3600", "-3600", "+86400", "-86400", "-10", "+0")


def preload(stage, libraries, environment):
    missing = [str(path) for path in (*libraries, RELEASE) if not Path(path).exists()]
    if missing:
        raise Unavailable(f"{' '.join(missing)} is not there (script/setup test, script/build)")
    stage.program = RELEASE
    stage.environment = {"LD_PRELOAD": " ".join(map(str, libraries)), **environment}


def through(stage, program, preparation, launcher=""):
    """The bridge is a shell first, which the launcher starts; it does these commands and then becomes the bridge."""
    words = shlex.quote(f'{preparation}; exec "$0" "$@"')
    stage.program = stage.folder / "prepared"
    stage.program.write_text(f'#!/bin/sh\nexec {launcher} sh -ec {words} "{program}" "$@"\n')
    stage.program.chmod(0o755)


def with_faketime(stage):
    """Only the wall clock goes astray; the monotonic one is the kernel's promise."""
    stage.clock = stage.folder / "clock"
    stage.clock.write_text("+0\n")
    plain = {"FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1"}
    preload(stage, [FAKETIME], {"FAKETIME_TIMESTAMP_FILE": str(stage.clock), **plain})


def clock_jumps(stage):
    for offset in JUMPS:
        stage.clock.write_text(f"{offset}\n")
        stage.under_way(300)
    stage.notes["jumps"] = len(JUMPS)


def with_failing(points, probability, errno=None):
    """Each call at these failure points of libfiu fails so often. A bridge that ends by that is started again."""

    def prepare(stage):
        rule = f"enable_random name={points},probability={probability}"
        rule += f",failinfo={errno}" if errno else ""
        preload(stage, FIU, {"FIU_ENABLE": rule})
        stage.may_end = True

    return prepare


def ends_by_itself(stage):
    """Until failures have ended it a few times; then without them, so that the last end is one in good order."""
    for _ in range(60):
        stage.under_way(100, timeout_s=120)
        if stage.ends >= stage.count(4):
            break
    assert stage.ends, "no failure has struck"
    _without_failures(stage)


def complains(stage):
    """Until failures have struck here and there. Most are overcome: then only the log knows of them."""
    for _ in range(stage.count(8)):
        stage.allow_repeats()
        stage.under_way(200, timeout_s=120)
    stage.notes["complaints"] = len(stage.bridge.log_lines(" (warn|error) ")) + stage.ends
    assert stage.notes["complaints"], "no failure has struck"
    _without_failures(stage)


def _without_failures(stage):
    """In a log of its own: what ended it before, an assertion of a library perhaps, is not to be found in that."""
    stage.allow_repeats()
    stage.bridge.kill9()
    stage.bridge.env = None
    stage.bridge.log_path = stage.bridge.log_path.with_name("bridge-without-failures.log")
    stage.may_end = False
    stage.recover()
