"""Mosquitto with one listener for each way that a client may come in."""
import getpass
import shutil
import socket
import subprocess

from .process import Server, Unavailable

# A CONNECT of MQTT 3.1.1 with an empty client id, and the answer that says yes.
CONNECT = b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00"
CONNACK = b"\x20\x02\x00\x00"

# Everything that would make the broker drop messages by itself is off. It saves its queues when it stops: a restart
# keeps them, a kill does not (to save at every change takes milliseconds a message, once thousands wait).
_GLOBAL = """
user {user}
per_listener_settings true
persistence true
persistence_location {folder}/
max_queued_messages 0
max_queued_bytes 0
max_inflight_bytes 0
set_tcp_nodelay true
log_dest stderr
log_type error
log_type warning
log_type notice
log_type subscribe
"""

_ACL = """
user alice
topic readwrite #

user reader
topic read in/#
"""


class Mosquitto(Server):
    """Users: alice (all topics) and reader (reads in/#, writes nothing), passwords ALICE and READER.

    port() is plain; the others are port("password"), "ws", and with certs "tls", "mtls", "expired" and "wss".
    """

    ALICE = "alice-secret"
    READER = "reader-secret"
    port_taken = ("Address already in use", "Unable to create websockets listener")

    def __init__(self, folder, certs=None, settings=""):
        super().__init__(folder)
        self.program = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
        if self.program is None:
            raise Unavailable("mosquitto is not installed (script/setup test)")
        self.certs = certs
        self.settings = settings
        self.listeners = ["plain", "password", "ws"] + (["tls", "mtls", "expired", "wss"] if certs else [])
        self.port_count = len(self.listeners)

    def port(self, listener="plain"):
        return self.ports[self.listeners.index(listener)]

    def url(self, listener="plain"):
        """As the configuration of a pipeline wants it."""
        scheme = {"ws": "ws", "wss": "wss", "tls": "mqtts", "mtls": "mqtts", "expired": "mqtts"}.get(listener, "mqtt")
        return f"{scheme}://127.0.0.1:{self.port(listener)}"

    def command(self):
        return [self.program, "-c", self.folder / "mosquitto.conf"]

    def configure(self):
        self._write_passwords()
        (self.folder / "acl").write_text(_ACL)
        text = _GLOBAL.format(user=getpass.getuser(), folder=self.folder) + self.settings + "\n"
        text += "".join(self._listener(name) for name in self.listeners)
        (self.folder / "mosquitto.conf").write_text(text)

    def _write_passwords(self):
        path = self.folder / "passwords"
        if not path.exists():
            path.write_text(f"alice:{self.ALICE}\nreader:{self.READER}\n")
            path.chmod(0o600)
            subprocess.run(["mosquitto_passwd", "-U", path], check=True)

    def _listener(self, name):
        lines = [f"listener {self.port(name)} 127.0.0.1"]
        if name in ("ws", "wss"):
            # Without socket_domain a websockets listener of 2.0.11 binds every interface, whatever address it is given.
            lines += ["socket_domain ipv4", "protocol websockets"]
        if name in ("tls", "mtls", "expired", "wss"):
            lines += self._tls("expired" if name == "expired" else "server")
        if name == "mtls":
            lines += ["require_certificate true", "use_identity_as_username true"]
        if name == "password":
            lines += [f"password_file {self.folder}/passwords", f"acl_file {self.folder}/acl"]
        lines.append(f"allow_anonymous {'false' if name in ('password', 'mtls') else 'true'}")
        return "\n".join(lines) + "\n"

    def _tls(self, name):
        folder = self.certs.folder
        return [f"cafile {folder}/ca.crt", f"certfile {folder}/{name}.crt", f"keyfile {folder}/{name}.key"]

    def ready(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port()), 1) as s:
                s.sendall(CONNECT)
                return s.recv(4) == CONNACK
        except OSError:
            return False
