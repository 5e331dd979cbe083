"""Dependencies point one way: connectors -> bridge <- config; and each header compiles on its own.

python3 -m tests.rig.check_includes prints what breaks this, and ends with 1 if anything does.
"""
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .process import ROOT

_INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)
_PACKAGES = ["libuv", "libcurl", "openssl", "rdkafka", "libconfig", "sqlite3"]


def allowed(path):
    """The folders that a file may include from, or None where anything goes."""
    parts = path.parts
    if path == Path("bridge/main.c"):
        return ("bridge/", "config/")
    if parts[0] == "bridge":
        return ("bridge/",)
    if parts[0] == "config":
        return ("bridge/", "config/")
    if parts[0] == "connectors":
        return ("bridge/", "connectors/http/", "connectors/aws/", f"connectors/{parts[1]}/")
    return None


def wrong_includes(path):
    folders = allowed(path)
    if folders is None:
        return []
    names = [name for name in _INCLUDE.findall((ROOT / path).read_text()) if not name.startswith(folders)]
    return [f'{path}: may not include "{name}" (only {" ".join(folders)})' for name in names]


def not_self_contained(header, flags):
    with tempfile.NamedTemporaryFile("w", suffix=".c") as source:
        source.write(f'#include "{header}"\n')
        source.flush()
        options = ["-std=gnu11", "-D_GNU_SOURCE", "-fsyntax-only", "-Wall", "-Werror", "-I.", *flags]
        done = subprocess.run(["gcc", *options, source.name], cwd=ROOT, capture_output=True, text=True)
    return [] if done.returncode == 0 else [f"{header}: does not compile on its own\n{done.stderr}"]


def tracked(*patterns):
    done = subprocess.run(["git", "ls-files", "--", *patterns], cwd=ROOT, capture_output=True, text=True, check=True)
    return [Path(line) for line in done.stdout.splitlines() if (ROOT / line).exists()]


def problems():
    pkg_config = ["pkg-config", "--cflags", *_PACKAGES]
    flags = subprocess.run(pkg_config, capture_output=True, text=True, check=True).stdout.split()
    files = tracked("*.c", "*.h")
    found = [line for path in files for line in wrong_includes(path)]
    with ThreadPoolExecutor(2) as pool:
        for lines in pool.map(lambda path: not_self_contained(path, flags), [p for p in files if p.suffix == ".h"]):
            found += lines
    return found


def main():
    found = problems()
    for line in found:
        print(line)
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
