"""All services behind one door: which of them a request is for, what goes wrong with it, and the log."""
import copy
import json
import threading
import time

from . import defaults, faults
from .container import Container
from .exchange import Refusal, json_answer
from .imds import Imds
from .iot import Iot
from .roles_anywhere import RolesAnywhere
from .sts import Sts
from .vault import Vault

CONTROL = "/_sim/"


class World:
    def __init__(self, settings=None):
        self.initial = settings or defaults.settings()
        self.settings = copy.deepcopy(self.initial)
        self.lock = threading.Lock()
        self.faults = faults.Faults()
        self.log = []
        self._make_services()

    def _make_services(self):
        self.vault = Vault(self.settings)
        kinds = (Sts, RolesAnywhere, Imds, Container, Iot)
        self.services = [kind(self.vault, self.settings) for kind in kinds]

    def answer(self, request):
        if request.path.startswith(CONTROL):
            return self._control(request)
        for service in self.services:
            action = service.action(request)
            if action:
                return self._serve(service, action, request)
        return json_answer(404, {"message": f"nothing here: {request.path}"})

    def _serve(self, service, action, request):
        rule = self.faults.strike(service.name, action)
        entry = {"at_s": request.now_s, "service": service.name, "action": action, "method": request.method,
                 "target": request.target, "headers": request.headers, "body": request.body.decode(errors="replace"),
                 "fault": rule["kind"] if rule else None, "seen": {}, "status": None, "error": None}
        with self.lock:
            self.log.append(entry)
        if rule and rule["kind"] == "hang":
            self.faults.hang()
            return None
        if rule and rule.get("delay_ms"):
            time.sleep(rule["delay_ms"] / 1000)
        answer = self._answer_of(service, request, rule, entry)
        entry["status"] = answer.status
        return faults.spoil_answer(rule, answer)

    @staticmethod
    def _answer_of(service, request, rule, entry):
        refused = rule and faults.refusal_of(rule, service)
        if refused:
            return refused
        try:
            return service.handle(request, rule, entry["seen"])
        except Refusal as refusal:
            entry["error"] = f"{refusal.code}: {refusal.message}"
            return service.refuse(refusal.status, refusal.code, refusal.message)

    # ---- control: for tests, not signed, JSON in and out ----

    def _control(self, request):
        name = f"{request.method} {request.path.removeprefix(CONTROL)}"
        commands = {
            "POST faults": self._add_faults, "GET faults": lambda _: self.faults.rules,
            "POST faults/clear": self._clear_faults, "POST settings": self._change_settings,
            "GET settings": lambda _: self.settings, "GET log": lambda _: list(self.log),
            "POST log/clear": lambda _: self.log.clear(), "GET issued": self._issued,
            "POST expire": lambda _: {"expired": self.vault.expire_all()}, "POST reset": self._reset,
        }
        if name not in commands:
            return json_answer(404, {"error": f"no such command: {name}"})
        try:
            result = commands[name](json.loads(request.body or b"{}"))
        except (ValueError, KeyError, TypeError) as e:
            return json_answer(400, {"error": f"{type(e).__name__}: {e}"})
        return json_answer(200, {"ok": True} if result is None else result)

    def _add_faults(self, rules):
        self.faults.add(rules if isinstance(rules, list) else [rules])

    def _clear_faults(self, _):
        self.faults.clear()

    def _change_settings(self, changes):
        defaults.merge(self.settings, changes)

    def _issued(self, _):
        keys = list(self.vault.keys.values())
        return [{"access_key": k.id, "secret": k.secret, "token": k.token, "expires_s": k.expires_s,
                 "service": k.service} for k in keys]

    def _reset(self, _):
        """Back to how it started. Keys that were handed out are forgotten here; the SQS simulator still has them."""
        self.faults.clear()
        self.log.clear()
        self.settings.clear()
        self.settings.update(copy.deepcopy(self.initial))
        self._make_services()
