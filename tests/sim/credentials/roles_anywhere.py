"""IAM Roles Anywhere: CreateSession."""
import json
import re
from pathlib import Path

from cryptography import x509

from .chain import check_chain, decode
from .exchange import Refusal, json_answer
from .service import Service
from .signature import check_x509
from .sts import MAX_S, MIN_S

DEFAULT_S = 3600
_ARN = re.compile(r"arn:[\w-]+:rolesanywhere:(?P<region>[\w-]+):\d{12}:(trust-anchor|profile)/.+")
_SESSION_NAME = re.compile(r"[ -~]{2,64}")


def denied(message):
    return Refusal(403, "AccessDeniedException", message)


class RolesAnywhere(Service):
    name = "roles_anywhere"
    names = {"id": "accessKeyId", "secret": "secretAccessKey", "token": "sessionToken", "expiration": "expiration"}

    def action(self, request):
        return "CreateSession" if request.path == "/sessions" else None

    def handle(self, request, rule, seen):
        if request.method != "POST" or request.header("content-type") != "application/json":
            raise Refusal(400, "ValidationException", "not a POST of application/json")
        body = body_of(request)
        asked = {**body, **request.arguments}
        seen.update(asked)
        leaf = self._check_caller(request, asked, seen)
        profile = self._profile(asked)
        duration = duration_of(body, profile)
        self._check_session_name(body, profile)
        return self._session(request, rule, asked, leaf, duration)

    def _check_caller(self, request, asked, seen):
        encoded = request.header("x-amz-x509")
        if not encoded:
            raise Refusal(403, "MissingAuthenticationTokenException", "Missing Authentication Token")
        leaf = decode(encoded)
        chain = request.header("x-amz-x509-chain")
        seen.update(serial=str(leaf.serial_number), chain_length=len(chain.split(",")) if chain else 0)
        check_x509(request, "rolesanywhere", self._region(asked), leaf)
        intermediates = [decode(part) for part in chain.split(",")] if chain else []
        check_chain(leaf, intermediates, self._anchors(asked), request.now_s)
        return leaf

    def _region(self, asked):
        regions = set()
        for name in ("trustAnchorArn", "profileArn"):
            match = _ARN.fullmatch(asked.get(name, ""))
            if not match:
                raise Refusal(400, "ValidationException", f"Value at '{name}' is not an ARN of this service")
            regions.add(match["region"])
        if len(regions) > 1:
            raise Refusal(400, "ValidationException", "Trust anchor and profile must be in the same region")
        return regions.pop()

    def _anchors(self, asked):
        """Read anew each time: a test may put another certificate there."""
        path = self.own["trust_anchors"].get(asked["trustAnchorArn"])
        if path is None:
            raise Refusal(404, "ResourceNotFoundException", "Trust anchor not found")
        return x509.load_pem_x509_certificates(Path(path).read_bytes())

    def _profile(self, asked):
        profile = self.own["profiles"].get(asked["profileArn"])
        if profile is None:
            raise Refusal(404, "ResourceNotFoundException", "Profile not found")
        if asked.get("roleArn") not in profile["roles"]:
            raise denied("Unable to assume role; ensure that role exists and is in the profile")
        return profile

    @staticmethod
    def _check_session_name(body, profile):
        name = body.get("roleSessionName")
        if name is None:
            return
        if not isinstance(name, str) or not _SESSION_NAME.fullmatch(name):
            raise Refusal(400, "ValidationException", "Value at 'roleSessionName' is wrong")
        if not profile["accept_session_name"]:
            raise denied("Profile does not accept a role session name")

    def _session(self, request, rule, asked, leaf, duration):
        role = asked["roleArn"].rpartition("/")[2]
        name = asked.get("roleSessionName") or f"{leaf.serial_number:x}"
        user = {"arn": f"arn:aws:sts::123456789012:assumed-role/{role}/{name}", "assumedRoleId": f"AROASIM:{name}"}
        credentials = self.issue(request, rule, duration)
        entry = {"assumedRoleUser": user, "credentials": credentials, "packedPolicySize": 10,
                 "roleArn": asked["roleArn"], "sourceIdentity": leaf.subject.rfc4514_string()}
        subject = "arn:aws:rolesanywhere:us-east-1:123456789012:subject/00000000-0000-4000-8000-000000000003"
        return json_answer(201, {"credentialSet": [entry], "subjectArn": subject})

    def refuse(self, status, code, message):
        code = code if code.endswith("Exception") else f"{code}Exception"
        return json_answer(status, {"message": message}, x_amzn_ErrorType=f"{code}:http://internal.amazon.com/")


def body_of(request):
    try:
        body = json.loads(request.body or b"{}")
    except ValueError:
        raise Refusal(400, "SerializationException", "the body is not JSON") from None
    if not isinstance(body, dict):
        raise Refusal(400, "SerializationException", "the body is not an object")
    return body


def duration_of(body, profile):
    seconds = body.get("durationSeconds", profile.get("duration_s", DEFAULT_S))
    if not isinstance(seconds, int) or isinstance(seconds, bool) or not MIN_S <= seconds <= MAX_S:
        raise Refusal(400, "ValidationException", f"durationSeconds must be a number from {MIN_S} to {MAX_S}")
    return seconds
