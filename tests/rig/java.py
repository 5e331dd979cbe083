"""Brokers from Maven Central: fetched once into build/brokers/<name>/lib, run by the machine's Java."""
import fcntl
import shutil
import subprocess
from pathlib import Path

from .process import BUILD, Server, Unavailable

_COPY = "org.apache.maven.plugins:maven-dependency-plugin:2.8:copy-dependencies"
_POMS = Path(__file__).parent
# Quick to start, and small: two cores and many tests.
_JVM = [
    "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-XX:-UsePerfData", "-Xms32m",
    "-Djava.awt.headless=true", "-Djava.net.preferIPv4Stack=true",
]


def _library(name):
    """The folder of jars; it is there only when it is complete and of the versions that the pom says."""
    return BUILD / "brokers" / name / "lib"


def _complete(name):
    stamp = _library(name) / "pom.xml"
    return stamp.exists() and stamp.read_bytes() == (_POMS / f"{name}-pom.xml").read_bytes()


def fetch(name):
    """Leaves the broker's jars in place, or raises Unavailable."""
    library = _library(name)
    library.parent.mkdir(parents=True, exist_ok=True)
    with open(library.parent / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _complete(name):
            print(f"fetching {name} (Maven Central) into {library.relative_to(BUILD.parent)}", flush=True)
            _fetch_anew(name, library)


def _fetch_anew(name, library):
    if shutil.which("mvn") is None:
        raise Unavailable(f"{name}: mvn is not installed (script/setup test)")
    partial = library.with_name("partial")
    shutil.rmtree(partial, ignore_errors=True)
    pom = _POMS / f"{name}-pom.xml"
    command = ["mvn", "-q", "-B", "-f", pom, _COPY, "-DincludeScope=runtime", f"-DoutputDirectory={partial}"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise Unavailable(f"{name}: mvn failed: {' '.join(done.stdout.split())[:300]}")
    shutil.copy(pom, partial / "pom.xml")
    shutil.rmtree(library, ignore_errors=True)
    partial.rename(library)


class JavaServer(Server):
    """A broker of build/brokers."""

    library_name = ""
    heap = "256m"
    port_taken = ("BindException", "Address already in use", "Bind failed")

    def __init__(self, folder):
        super().__init__(folder)
        if shutil.which("java") is None:
            raise Unavailable(f"{self.library_name}: java is not installed (script/setup test)")
        if not _complete(self.library_name):
            raise Unavailable(f"{self.library_name}: not in build/brokers (script/setup test)")
        (self.folder / "tmp").mkdir(exist_ok=True)

    def java(self, *args):
        """The command line. A folder for temporary files of its own, where a killed JVM leaves its native libraries."""
        classes = f"{_library(self.library_name)}/*"
        return ["java", f"-Xmx{self.heap}", *_JVM, f"-Djava.io.tmpdir={self.folder}/tmp", "-cp", classes, *args]
