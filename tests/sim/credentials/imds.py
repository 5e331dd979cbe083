"""The instance metadata service, version 2: a token first, then the role's credentials and the region."""
import secrets
from datetime import datetime, timezone

from .exchange import Refusal, json_answer, text_answer
from .service import Service

TTL = "x-aws-ec2-metadata-token-ttl-seconds"
TOKEN = "x-aws-ec2-metadata-token"
CREDENTIALS = "/latest/meta-data/iam/security-credentials/"
MAX_TTL_S = 21600
DEFAULT_S = 6 * 3600


def refusal(status, text):
    return Refusal(status, text, text)


class Imds(Service):
    name = "imds"
    names = {"id": "AccessKeyId", "secret": "SecretAccessKey", "token": "Token", "expiration": "Expiration"}
    throttled = (503, "Service Unavailable", "")

    def __init__(self, vault, settings):
        super().__init__(vault, settings)
        self.tokens = {}  # and when each ends

    def action(self, request):
        if not request.path.startswith("/latest/"):
            return None
        if request.path == "/latest/api/token":
            return "token"
        if request.path.startswith(CREDENTIALS.rstrip("/")):
            return "role" if request.path in (CREDENTIALS, CREDENTIALS.rstrip("/")) else "credentials"
        return "metadata"

    def handle(self, request, rule, seen):
        if request.header("x-forwarded-for"):
            raise refusal(403, "Forbidden")
        if self.action(request) == "token":
            return self._token(request)
        self._check_token(request)
        if self.action(request) == "role":
            return text_answer(200, self._role())
        if self.action(request) == "credentials":
            return self._credentials(request, rule)
        return self._metadata(request)

    def _token(self, request):
        ttl = request.header(TTL) or ""
        if request.method != "PUT":
            raise refusal(405, "Method Not Allowed")
        if not ttl.isdigit() or not 1 <= int(ttl) <= MAX_TTL_S:
            raise refusal(400, "Bad Request")
        token = secrets.token_urlsafe(42)
        lasts_s = self.own["token_ttl_s"] or int(ttl)
        self.tokens[token] = request.now_s + lasts_s
        return text_answer(200, token, **{TTL: str(lasts_s)})

    def _check_token(self, request):
        token = request.header(TOKEN)
        if token is None and self.own["v1"]:
            return
        if token is None or self.tokens.get(token, 0) <= request.now_s:
            raise refusal(401, "Unauthorized")

    def _role(self):
        if not self.own["role"]:
            raise refusal(404, "Not Found")
        return self.own["role"]

    def _credentials(self, request, rule):
        if request.path != CREDENTIALS + self._role():
            raise refusal(404, "Not Found")
        now = datetime.fromtimestamp(request.now_s, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        fields = self.issue(request, rule, DEFAULT_S)
        return json_answer(200, {"Code": self.own["code"], "LastUpdated": now, "Type": "AWS-HMAC", **fields})

    def _metadata(self, request):
        region = self.settings["region"]
        values = {
            "/latest/meta-data/placement/region": region,
            "/latest/meta-data/placement/availability-zone": f"{region}a",
        }
        if request.path == "/latest/dynamic/instance-identity/document":
            return json_answer(200, {"region": region, "instanceId": "i-0123456789abcdef0"})
        if request.path not in values:
            raise refusal(404, "Not Found")
        return text_answer(200, values[request.path])

    def refuse(self, status, code, message):
        return text_answer(status, message or code)
