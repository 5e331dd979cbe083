"""One request and its answer, free of any server, so that a service can be called from a test."""
import json
import time
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit


@dataclass
class Request:
    method: str
    target: str  # path and query, as sent
    headers: list  # pairs (name, value), as sent
    body: bytes = b""
    peer: bytes | None = None  # the certificate of a TLS client, DER
    now_s: float = field(default_factory=time.time)

    @property
    def path(self):
        return urlsplit(self.target).path

    @property
    def query(self):
        return urlsplit(self.target).query

    @property
    def arguments(self):
        return dict(parse_qsl(self.query, keep_blank_values=True))

    @property
    def form(self):
        return dict(parse_qsl(self.body.decode(errors="replace"), keep_blank_values=True))

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def header(self, name):
        """The value, or None; repeated headers are joined as HTTP says."""
        values = self.all(name)
        return ",".join(values) if values else None


@dataclass
class Answer:
    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: dict = field(default_factory=dict)
    announced_length: int | None = None  # where it differs from what is sent


class Refusal(Exception):
    """What a service says no with; the service writes it in its own way."""

    def __init__(self, status, code, message):
        super().__init__(f"{status} {code}: {message}")
        self.status, self.code, self.message = status, code, message


def json_answer(status, value, **headers):
    return Answer(status, json.dumps(value).encode(), headers={k.replace("_", "-"): v for k, v in headers.items()})


def text_answer(status, text, **headers):
    named = {k.replace("_", "-"): v for k, v in headers.items()}
    return Answer(status, text.encode(), "text/plain", headers=named)
