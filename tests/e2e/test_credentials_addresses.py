"""The link-local addresses that AWS has on its machines and in its containers, in a network namespace of our own."""
import subprocess
import sys
from pathlib import Path

from tests.rig import ROOT

CONTAINER, INSTANCE = "169.254.170.2", "169.254.169.254"
INSIDE = Path(__file__).parent / "inside_link_local.py"
SETUP = f"ip link set lo up && ip addr add {CONTAINER}/32 dev lo && ip addr add {INSTANCE}/32 dev lo && exec \"$@\""


def test_addresses_of_aws():
    namespace = ["unshare", "--user", "--map-root-user", "--net", "sh", "-c", SETUP, "sh"]
    pytest_inside = [sys.executable, "-m", "pytest", INSIDE, "-q", "-p", "no:xdist"]
    done = subprocess.run([*namespace, *pytest_inside], cwd=ROOT, capture_output=True, text=True, timeout=150)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
