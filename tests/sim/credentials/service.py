"""What the services have in common: keys to hand out, and rules that spoil them."""
from .faults import MISSING, spoil_fields


class Service:
    name = ""
    names = {}  # what this service calls id, secret, token, expiration
    throttled = (429, "ThrottlingException", "Rate exceeded")

    def __init__(self, vault, settings):
        self.vault, self.settings = vault, settings
        self.last = None

    @property
    def own(self):
        return self.settings[self.name]

    def action(self, request):
        """What the request asks of this service, or None: it is for another one."""
        raise NotImplementedError

    def handle(self, request, rule, seen):
        """The answer. seen takes what a test may want to read in the log; rule spoils what is handed out."""
        raise NotImplementedError

    def refuse(self, status, code, message):
        raise NotImplementedError

    def issue(self, request, rule, asked_s):
        """Credentials, under the names of this service. The lifetime set by a test wins over what was asked for."""
        key = self._key(request, asked_s)
        if rule is not None and rule["kind"].startswith("wrong_") and rule["kind"] != "wrong_types":
            key = key.forged(rule["kind"].removeprefix("wrong_"))
        fields = {"id": key.id, "secret": key.secret, "token": key.token, "expiration": key.expiration}
        spoilt = spoil_fields(rule, fields)
        return {self.names[field]: value for field, value in spoilt.items() if value is not MISSING}

    def _key(self, request, asked_s):
        reuse = self.own["reuse"]
        if self.last and (reuse == "always" or (reuse == "until_expiry" and request.now_s < self.last.expires_s)):
            return self.last
        self.last = self.vault.issue(self.name, self.own["lifetime_s"] or asked_s, request.now_s)
        return self.last
