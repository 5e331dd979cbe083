"""What the documents name is there: files, folders, options, functions, commands.

python3 -m tests.rig.check_docs prints what is not, and ends with 1 if anything is not.
"""
import re
import sys
from pathlib import PurePath

from .check_includes import tracked
from .process import ROOT

_PATH = re.compile(r"(?<![\w/.$<*-])((?:bridge|cmake|config|connectors|docs|script|tests)/[\w./-]*\w)(?![\w*])")
_FILE = re.compile(r"(?<![\w/.<-])([\w-]+\.(?:c|h|py|md))(?!\w)")
_NAME = re.compile(r"(?<![\w/.<$-])([a-z][a-z0-9]*(?:_[a-z0-9]+)+)(?![\w.*-])")
_CODE = re.compile(r"```.*?```|`[^`]+`", re.DOTALL)
_COMMAND = re.compile(r"(?:^|[`/])sqsbridge (?:queue )?([a-z][a-z-]*)", re.MULTILINE)
_EXAMPLES = {"connectors/nats", "connector_nats", "module_verb_object"}


def sources():
    """All that is said outside of the documents."""
    return "\n".join((ROOT / path).read_text(errors="replace") for path in tracked("*") if path.suffix != ".md")


def wrong_paths(text, files):
    folders = {str(parent) for path in files for parent in PurePath(path).parents}
    known = files | folders | {str(PurePath(path).with_suffix("")) for path in files}
    names = {PurePath(path).name for path in files}
    return {n for n in _PATH.findall(text) if n not in known} | {n for n in _FILE.findall(text) if n not in names}


def problems():
    files = {str(path) for path in tracked("*")}
    said = sources()
    words = set(re.findall(r"\w+", said)) | {PurePath(path).stem for path in files}
    quoted = set(re.findall(r'"([a-z-]+)"', said))
    for path in tracked("*.md"):
        text = (ROOT / path).read_text()
        commands = set(_COMMAND.findall("\n".join(_CODE.findall(text))))
        wrong = wrong_paths(text, files) | (set(_NAME.findall(text)) - words) | (commands - quoted)
        for name in sorted(wrong - _EXAMPLES):
            yield f"{path}: names {name}, which is nowhere"


def main():
    found = list(problems())
    for line in found:
        print(line)
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
