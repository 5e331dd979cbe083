"""script/test: runs the parts of the test suite, one after the other, and adds up what they said.

  lint         form of the C files, direction of the includes, headers that compile alone, names in the documents
  tidy         clang-tidy over the product's own files
  unit, conformance, sim    ctest by label, with AddressSanitizer and UndefinedBehaviorSanitizer (build/dev)
  e2e          the bridge of build/dev against real brokers, with clients that others wrote
  fault        a selection of the fault matrix (script/fault --short), and the tests of its verifier and its proxy
  tsan         unit, conformance and sim, then the end-to-end tests that need no Java and have threads, with ThreadSanitizer
  clang        everything compiled by clang, warnings being errors

The output of each part is kept in build/test-logs; the end of it is shown when the part failed.
"""
import json
import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter

from .process import BUILD, ROOT

LOGS = BUILD / "test-logs"
CI = os.environ.get("CI") == "true"
TAIL_LINES = 60
WORKERS = str(2 * (os.cpu_count() or 1))  # most tests wait for something most of the time


class Result:
    def __init__(self, passed=0, failed=0, skipped=0):
        self.passed, self.failed, self.skipped = passed, failed, skipped
        self.seconds = 0.0
        self.skip_reasons = Counter()

    @staticmethod
    def of(succeeded):
        return Result(passed=1) if succeeded else Result(failed=1)

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.skip_reasons += other.skip_reasons

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def run(log_name, command, **env):
    """Runs a command of this part, its output going to the log; whether it succeeded."""
    with open(LOGS / f"{log_name}.log", "a") as log:
        log.write(f"$ {' '.join(map(str, command))}\n")
        log.flush()
        done = subprocess.run(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env={**os.environ, **env}
        )
    return done.returncode == 0


def read_junit(path, succeeded):
    """Counts from a JUnit file. A run that failed without a failed test (a crash, no tests) counts as one failure."""
    result = Result()
    cases = ElementTree.parse(path).iter("testcase") if path.exists() else []
    for case in cases:
        skipped = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            result.failed += 1
        elif skipped is not None:
            result.skipped += 1
            result.skip_reasons[skipped.get("message")] += 1
        elif case.get("status") == "notrun":
            result.failed += 1
        else:
            result.passed += 1
    if not succeeded and result.failed == 0:
        result.failed = 1
    return result


def build(log_name, preset):
    return run(log_name, ["script/build", preset])


def launcher(preset):
    """gcc 12's ThreadSanitizer cannot live with more than 28 random bits in its addresses, as newer kernels have."""
    fixed = ["setarch", "-R"]
    wanted = preset == "tsan" and subprocess.run([*fixed, "true"], stderr=subprocess.DEVNULL).returncode == 0
    return fixed if wanted else []


def ctest(part, preset, label):
    junit = LOGS / f"{part}.xml"
    command = [*launcher(preset), "ctest", "--test-dir", BUILD / preset, "-L", f"^({label})$", "--no-tests=error"]
    options = ["-j", WORKERS, "--timeout", "120", "--output-on-failure", "--output-junit", junit]
    succeeded = run(part, [*command, *options], **sanitizers())
    return read_junit(junit, succeeded)


def sanitizers():
    return {
        "ASAN_OPTIONS": "detect_leaks=1:strict_string_checks=1",
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "TSAN_OPTIONS": f"halt_on_error=1:second_deadlock_stack=1:suppressions={ROOT}/tests/rig/tsan.suppressions",
    }


def pytest(part, preset, *options, folder="tests/e2e", **env):
    junit = LOGS / f"{part}.xml"
    python = BUILD / "venv" / "bin" / "python"
    command = [*launcher(preset), python, "-m", "pytest", folder, "-q", "-n", WORKERS, "--dist", "loadgroup", *options]
    if not (BUILD / "venv" / "requirements.txt").exists():
        return no_python_clients()
    env["SQSBRIDGE"] = str(BUILD / preset / "sqsbridge")
    succeeded = run(part, [*command, "--junit-xml", junit], **sanitizers(), **env)
    return read_junit(junit, succeeded)


def no_python_clients():
    result = Result(failed=1) if CI else Result(skipped=1)
    result.skip_reasons["the Python clients cannot be had (script/setup test)"] = 1
    return result


def lint():
    result = Result.of(run("lint", ["script/format", "check"]))
    for check in ("check_includes", "check_docs"):
        result.add(Result.of(run("lint", [sys.executable, "-m", f"tests.rig.{check}"])))
    return result


def clang():
    folder = BUILD / "clang"
    configure = ["cmake", "-G", "Ninja", "-B", folder, "-DCMAKE_C_COMPILER=clang-14", "-DSQSBRIDGE_WERROR=ON"]
    return Result.of(run("clang", configure) and run("clang", ["cmake", "--build", folder]))


def tidy():
    sources = [str(p) for f in ("bridge", "config", "connectors") for p in sorted((ROOT / f).rglob("*.c"))]
    if not (BUILD / "dev" / "compile_commands.json").exists() and not build("tidy", "dev"):
        return Result(failed=1)
    return Result.of(run("tidy", ["run-clang-tidy-14", "-quiet", "-p", BUILD / "dev", *sources]))


def labelled(label):
    def part():
        return ctest(label, "dev", label) if build(label, "dev") else Result(failed=1)

    return part


def sim():
    """The simulators themselves, with boto3 and confluent-kafka as witnesses."""
    result = labelled("sim")()
    programs = {name.upper(): str(BUILD / "dev" / "tests" / "sim" / name) for name in ("sqs_sim", "kafka_mock")}
    result.add(pytest("sim-witnesses", "dev", folder="tests/sim", **programs))
    return result


def e2e():
    ready = build("e2e", "release") and build("e2e", "dev")
    return pytest("e2e", "dev") if ready else Result(failed=1)


def fault():
    if not (build("fault", "release") and build("fault", "dev")):
        return Result(failed=1)
    result = pytest("fault", "dev", folder="tests/fault")
    python, lines = BUILD / "venv" / "bin" / "python", LOGS / "fault.jsonl"
    if python.exists():
        run("fault", [python, "-m", "tests.fault", "--short", "--results", lines], **sanitizers())
        result.add(rows_of_matrix(lines))
    return result


def rows_of_matrix(path):
    """A row that could not be played where it should is a failure already."""
    played = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    verdicts = Counter(row["verdict"] for row in played)
    result = Result(verdicts["pass"], verdicts["fail"] + (not played), verdicts["skip"])
    result.skip_reasons.update(row["why"] for row in played if row["verdict"] == "skip")
    return result


# Commands and tools that have one thread, each of hundreds of cases: the end-to-end part has run them.
ONE_THREADED = [f"--ignore-glob=*/{name}" for name in ("test_queue_*.py", "test_*_botocore.py", "test_sigv4_*.py")]


def tsan():
    if not (build("tsan", "release") and build("tsan", "tsan")):
        return Result(failed=1)
    result = ctest("tsan", "tsan", "unit|conformance|sim")
    result.add(pytest("tsan-e2e", "tsan", "-m", "not java", *ONE_THREADED))
    return result


PARTS = {
    "lint": lint, "unit": labelled("unit"), "conformance": labelled("conformance"), "sim": sim,
    "e2e": e2e, "fault": fault, "tsan": tsan, "clang": clang, "tidy": tidy,
}


def show_logs(name):
    for path in sorted(LOGS.glob(f"{name}*.log")):
        lines = path.read_text(errors="replace").splitlines()[-TAIL_LINES:]
        print(f"---- the end of {path.relative_to(ROOT)}", *lines, "----", sep="\n")


def run_part(name):
    for old in LOGS.glob(f"{name}*"):
        if old.is_file():
            old.unlink()
    print(f"{name} ...", flush=True)
    began = time.monotonic()
    result = PARTS[name]()
    result.seconds = time.monotonic() - began
    if result.failed:
        show_logs(name)
    for reason, count in result.skip_reasons.items():
        print(f"SKIP {name}: {count} of them: {reason}")
    return result


def table(results):
    print(f"\n{'part':<12} {'passed':>7} {'failed':>7} {'skipped':>7} {'seconds':>8}")
    for name, r in results.items():
        print(f"{name:<12} {r.passed:>7} {r.failed:>7} {r.skipped:>7} {r.seconds:>8.0f}")


def main(names):
    unknown = [n for n in names if n not in PARTS and n != "all"]
    if unknown:
        sys.exit(f"script/test: no such part: {' '.join(unknown)} (there are: {' '.join(PARTS)} all)")
    if not names or "all" in names:
        names = list(PARTS)
    LOGS.mkdir(parents=True, exist_ok=True)
    results = {name: run_part(name) for name in names}
    total = Result()
    for result in results.values():
        total.add(result)
    table(results)
    print(total, flush=True)
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
