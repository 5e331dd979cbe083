"""What is done to packets and names on the way between the bridge and its brokers. All of it needs root."""
import os
import shutil
import subprocess
import time

from tests.e2e.bridge import binary
from tests.rig import Unavailable, spawn, wait_until

from .dns import NAME, TTL_S, NameServer
from .faults_system import through

LOST_PERCENT = 30
NEW_ADDRESS_S = TTL_S + 10
SLOW_ANSWER_S = 1.5  # for each of two questions, A and AAAA
CONNECTIONS_AT_ONCE = 12  # that a reset of all brings anew, before there can be one too many

_RULES = """
add table inet {name} {{ flags owner; }}
add chain inet {name} loss {{ type filter hook input priority 0; }}
add rule inet {name} loss iif lo tcp dport {port} numgen random mod 100 < {percent} counter drop
add rule inet {name} loss iif lo tcp sport {port} numgen random mod 100 < {percent} counter drop
"""


class PacketLoss:
    """Packets from and to one port of 127.0.0.1 are lost. nft owns the table: the kernel removes it when nft ends, however."""

    def __init__(self, stage, port):
        self.name, self.port, self.process = f"sqsbridge_fault_{os.getpid()}_{port}", port, None
        self.program = shutil.which("nft", path="/usr/sbin:/usr/bin:/sbin")
        self.log = stage.folder / "nft.log"
        stage.at_end(self.end)

    def begin(self):
        if self.program is None or os.geteuid() != 0:
            raise Unavailable("packet loss needs root and nft (script/setup test)")
        self.process = spawn([self.program, "-i"], self.log, stdin=subprocess.PIPE)
        rules = _RULES.format(name=self.name, port=self.port, percent=LOST_PERCENT)
        self.process.stdin.write(rules.encode())
        self.process.stdin.flush()
        try:
            wait_until(lambda: self._listed().count("drop") == 2, 5, "the rules of nft")
        except TimeoutError:
            raise Unavailable(f"packet loss: nft: {self.log.read_text().strip()[:300]} (kernel without nf_tables?)") from None

    def _listed(self):
        done = subprocess.run([self.program, "list", "table", "inet", self.name], capture_output=True, text=True)
        return done.stdout

    def lost(self):
        words = self._listed().split()
        return sum(int(words[i + 1]) for i, word in enumerate(words) if word == "packets")

    def end(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            wait_until(lambda: not self._listed(), 5, "the end of the rules of nft")
        self.process = None


def with_packet_loss(stage):
    """Tries it, so that a machine where it can't be had is known before anything runs."""
    stage.loss = PacketLoss(stage, *(link.port for link in stage.links.values()))
    stage.loss.begin()
    stage.loss.end()


def lossy(stage, side, link):
    """Also while it connects. Whoever connects more than once a second makes it worse for all."""
    loss = stage.loss
    loss.begin()
    began, before = time.monotonic(), link.stats()["connections"]
    for _ in range(stage.count(3)):
        link.tell("rst")
        stage.allow_repeats(side=side)
        stage.under_way(timeout_s=180)
    made, seconds = link.stats()["connections"] - before, time.monotonic() - began
    stage.notes |= {"packets_lost": loss.lost(), "connections": made, "lossy_s": round(seconds, 1)}
    assert stage.notes["packets_lost"] > 0, "no packet was lost"
    loss.end()
    stage.allow_repeats(made, side)
    stage.under_way()
    assert made <= CONNECTIONS_AT_ONCE * stage.count(3) + seconds, f"{made} connections in {seconds:.0f} s"


# --- names

def by_own_names(stage):
    """The bridge, and nobody else, has a resolv.conf of its own: in a mount namespace, so that /etc stays as it is."""
    stage.names = NameServer()
    stage.at_end(stage.names.close)
    for link in stage.links.values():
        link.host = NAME
    own = {"resolv.conf": f"nameserver {stage.names.at}\noptions timeout:5 attempts:2\n", "nsswitch.conf": "hosts: files dns\n"}
    for name, text in own.items():
        (stage.folder / name).write_text(text)
    mounts = "; ".join(f'mount --bind "{stage.folder}/{name}" /etc/{name}' for name in own)
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode:
        raise Unavailable("a name server for the bridge alone needs root and mount namespaces")
    through(stage, binary(), mounts, "unshare --mount")


def names_change(stage, side, link):
    """The name is unknown for a while; then its answers are slow; then its address is another one, twice."""
    names = stage.names
    stage.allow_repeats(2 + stage.count(2), side)
    _while_unknown(names, link)
    stage.under_way(began=time.monotonic())
    names.delay_s = SLOW_ANSWER_S
    link.tell("rst")
    stage.under_way()
    names.delay_s = 0
    for n in range(stage.count(2)):
        link.tell("move", address=f"127.0.0.{n + 2}")
        began, names.address = time.monotonic(), f"127.0.0.{n + 2}"
        stage.under_way()
        taken = time.monotonic() - began
        stage.notes.setdefault("new_address_s", []).append(round(taken, 1))
        assert taken <= NEW_ADDRESS_S, f"{taken:.1f} s until the new address was used, allowed are {NEW_ADDRESS_S}"


def _while_unknown(names, link):
    """Until it has been asked for a few times in vain. Nobody listens meanwhile: who still knows the address must ask, too."""
    names.known, asked = False, names.asked
    link.tell("refuse")
    wait_until(lambda: names.asked >= asked + 6, 60, "questions for the name")
    link.tell("accept")
    names.known = True
