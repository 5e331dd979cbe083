"""python3 -m tests.rig.fetch: fetches the Java brokers that are not there; the exit code says whether all are."""
import sys

from .java import fetch
from .process import Unavailable


def main():
    failed = False
    for name in ("kafka", "elasticmq"):
        try:
            fetch(name)
        except Unavailable as e:
            print(e, file=sys.stderr)
            failed = True
    return failed


if __name__ == "__main__":
    sys.exit(main())
