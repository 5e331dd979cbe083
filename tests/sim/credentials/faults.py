"""What goes wrong on purpose. The rules are those of the SQS simulator: the first that matches decides, after letting
`skip` requests pass, `count` times (-1: always)."""
import threading

from .exchange import Answer

HTML = b"<!DOCTYPE html><html><head><title>502</title></head><body><h1>Bad gateway</h1></body></html>"
KINDS = {
    "throttle", "status", "error", "hang", "delay", "html", "empty", "truncated", "huge_length", "wrong_types",
    "missing_field", "bad_expiration", "wrong_key", "wrong_secret", "wrong_token",
}
MISSING = object()


class Faults:
    def __init__(self):
        self.lock = threading.Lock()
        self.rules = []
        self.released = threading.Event()

    def add(self, rules):
        rules = [{"skip": 0, "count": 1, "struck": 0, **rule} for rule in rules]
        unknown = [rule.get("kind") for rule in rules if rule.get("kind") not in KINDS]
        if unknown:
            raise ValueError(f"no such kind: {unknown} (there are: {' '.join(sorted(KINDS))})")
        with self.lock:
            self.rules += rules

    def clear(self):
        """Requests that hang are let go, too."""
        with self.lock:
            self.rules = []
            self.released.set()
            self.released = threading.Event()

    def strike(self, service, action):
        """The rule that meets this request, or None."""
        with self.lock:
            for rule in self.rules:
                if rule.get("service", service) != service or rule.get("action", action) != action:
                    continue
                if rule["skip"] > 0:
                    rule["skip"] -= 1
                elif rule["count"] != 0:
                    rule["count"] -= 1 if rule["count"] > 0 else 0
                    rule["struck"] += 1
                    return rule
        return None

    def hang(self):
        self.released.wait()


def refusal_of(rule, service):
    """The answer of a rule that refuses before anything is handed out, or None."""
    kind = rule["kind"]
    if kind == "throttle":
        return service.refuse(*service.throttled)
    if kind == "error":
        return service.refuse(rule.get("status", 400), rule["code"], rule.get("message", "as ordered by the test"))
    if kind == "status":
        return Answer(rule.get("status", 503), b"", "text/plain")
    if kind == "html":
        return Answer(rule.get("status", 200), HTML, "text/html")
    return None


def spoil_fields(rule, fields):
    """fields: what is handed out, by the names of this module: id, secret, token, expiration."""
    if rule is None:
        return fields
    if rule["kind"] == "missing_field":
        return {**fields, rule.get("field", "secret"): MISSING}
    if rule["kind"] == "wrong_types":
        return dict.fromkeys(fields, 4711)
    if rule["kind"] == "bad_expiration":
        return {**fields, "expiration": rule.get("value", "the day after tomorrow")}
    return fields


def spoil_answer(rule, answer):
    if rule is None:
        return answer
    if rule["kind"] == "empty":
        answer.body = b""
    elif rule["kind"] == "truncated":
        answer.body = answer.body[: len(answer.body) // 2]
    elif rule["kind"] == "huge_length":
        answer.announced_length = 1 << 30
    return answer
