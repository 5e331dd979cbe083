"""The keys that were handed out, made known to the SQS simulator as they are."""
import base64
import json
import os
import random
import string
import threading
import urllib.request
from dataclasses import dataclass
from datetime import datetime, timezone

NEVER = float("inf")
EXPIRED = {"expired": True}


@dataclass
class Key:
    id: str
    secret: str
    token: str = ""
    expires_s: float = NEVER
    service: str = ""  # which of them handed it out

    @property
    def expiration(self):
        return datetime.fromtimestamp(self.expires_s, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")

    def forged(self, part):
        """The same with a wrong "key", "secret" or "token"."""
        return Key(
            fresh_id() if part == "key" else self.id, fresh_text(40) if part == "secret" else self.secret,
            fresh_text(400) if part == "token" else self.token, self.expires_s, self.service,
        )


def fresh_id():
    return "ASIA" + "".join(random.choices(string.ascii_uppercase + string.digits, k=16))


def fresh_text(length):
    """Base64 of noise: with / + and = in it, as real ones have."""
    return base64.b64encode(b"\xfb\xff" + os.urandom(length * 3 // 4 - 4)).decode().rstrip("=") + "=="


class Vault:
    def __init__(self, settings):
        self.settings = settings
        self.lock = threading.Lock()
        self.keys = {}

    def find(self, key_id):
        base = self.settings["base_key"]
        if key_id == base["access_key"]:
            return Key(base["access_key"], base["secret"])
        return self.keys.get(key_id)

    def issue(self, service, lifetime_s, now_s):
        key = Key(fresh_id(), fresh_text(40), fresh_text(400), int(now_s + lifetime_s), service)
        with self.lock:
            self.keys[key.id] = key
        self.tell_sqs(key, {"expires_s": key.expires_s})
        return key

    def expire_all(self):
        """Whatever was handed out is refused from now on."""
        with self.lock:
            keys = list(self.keys.values())
        for key in keys:
            key.expires_s = 0
            self.tell_sqs(key, EXPIRED)
        return len(keys)

    def tell_sqs(self, key, expiry):
        if not self.settings["sqs"]:
            return
        body = {"access_key": key.id, "secret": key.secret, "token": key.token, **expiry}
        url = f"{self.settings['sqs']}/_sim/credentials"
        with urllib.request.urlopen(url, json.dumps(body).encode(), timeout=10) as answer:
            answer.read()
