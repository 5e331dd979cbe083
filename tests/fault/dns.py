"""A name server of one name, on an address of 127/8 of its own: it answers, refuses, or takes its time, as it is told."""
import random
import socket
import struct
import threading

from tests.rig import Unavailable

NAME = "broker.sqsbridge.test"
TTL_S = 2
PORT = 53  # resolv.conf can't say another one
A, NOERROR, NXDOMAIN = 1, 0, 3
_HEADER = struct.Struct(">HHHHHH")
_ANSWER = struct.Struct(">HHHIH4s")


def _question(query):
    """(name, type, the bytes of the question)"""
    at, labels = _HEADER.size, []
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode())
        at += 1 + query[at]
    return ".".join(labels).lower(), struct.unpack_from(">H", query, at + 1)[0], query[_HEADER.size:at + 5]


class NameServer:
    def __init__(self):
        self.address, self.known, self.delay_s = "127.0.0.1", True, 0.0
        self.asked = 0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.at = f"127.{random.randrange(1, 250)}.{random.randrange(250)}.{random.randrange(1, 250)}"
        try:
            self.socket.bind((self.at, PORT))
        except OSError as e:
            raise Unavailable(f"a name server of one's own at {self.at}:{PORT}: {e} (needs root)") from None
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                query, client = self.socket.recvfrom(512)
            except OSError:
                return
            answer = self._answer(query)
            threading.Timer(self.delay_s, self._send, (answer, client)).start() if self.delay_s else self._send(answer, client)

    def _send(self, answer, client):
        try:
            self.socket.sendto(answer, client)
        except OSError:
            pass  # closed meanwhile

    def _answer(self, query):
        name, kind, question = _question(query)
        ours = name == NAME
        self.asked += ours
        code = NOERROR if ours and self.known else NXDOMAIN
        found = code == NOERROR and kind == A
        head = _HEADER.pack(struct.unpack_from(">H", query)[0], 0x8180 | code, 1, found, 0, 0)
        body = _ANSWER.pack(0xC00C, A, 1, TTL_S, 4, socket.inet_aton(self.address)) if found else b""
        return head + question + body

    def close(self):
        self.socket.close()
