"""AWS Security Token Service, query protocol: AssumeRole and AssumeRoleWithWebIdentity."""
import json
import re
import uuid
from xml.sax.saxutils import escape

from .exchange import Answer, Refusal
from .service import Service
from .signature import check_hmac

VERSION = "2011-06-15"
NAMESPACE = f'xmlns="https://sts.amazonaws.com/doc/{VERSION}/"'
MIN_S, MAX_S, DEFAULT_S, CHAINED_MAX_S = 900, 43200, 3600, 3600
_SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
_EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}", re.ASCII)
_ROLE = re.compile(r"arn:[\w-]+:iam::\d{12}:role/.+")


def invalid(what):
    return Refusal(400, "ValidationError", f"1 validation error detected: {what}")


class Sts(Service):
    name = "sts"
    names = {"id": "AccessKeyId", "secret": "SecretAccessKey", "token": "SessionToken", "expiration": "Expiration"}
    throttled = (400, "Throttling", "Rate exceeded")

    def action(self, request):
        if request.path != "/":
            return None
        return request.form.get("Action") or request.arguments.get("Action") or "nothing"

    def handle(self, request, rule, seen):
        form = request.form
        seen.update(form)
        actions = {"AssumeRole": self._assume_role, "AssumeRoleWithWebIdentity": self._web_identity}
        action = actions.get(form.get("Action"))
        if request.method != "POST" or action is None or form.get("Version") != VERSION:
            raise Refusal(400, "InvalidAction", f"Could not find operation {form.get('Action')} for {VERSION}")
        return action(request, form, rule, seen)

    def _assume_role(self, request, form, rule, seen):
        caller = check_hmac(request, "sts", self.settings["region"], self.vault.find)
        seen["caller"] = caller.id
        duration = self._common(form, seen, CHAINED_MAX_S if caller.token else MAX_S)
        role = self._role(form["RoleArn"])
        if "ExternalId" in form and not _EXTERNAL_ID.fullmatch(form["ExternalId"]):
            raise invalid(f"Value '{form['ExternalId']}' at 'externalId'")
        if role.get("external_id") != form.get("ExternalId"):
            raise self._denied("sts:AssumeRole", form["RoleArn"])
        seen["tags"] = tags_of(form)
        return self._assumed("AssumeRole", request, form, rule, duration)

    def _web_identity(self, request, form, rule, seen):
        if request.header("authorization"):
            raise Refusal(400, "ValidationError", "AssumeRoleWithWebIdentity is not signed")
        duration = self._common(form, seen, MAX_S)
        token = form.get("WebIdentityToken", "")
        if token in self.own["expired_tokens"]:
            raise Refusal(400, "ExpiredTokenException", "Token expired")
        if token not in self.own["tokens"]:
            raise Refusal(400, "InvalidIdentityToken", "No OpenIDConnect provider found in your account for the issuer")
        self._role(form["RoleArn"])
        return self._assumed("AssumeRoleWithWebIdentity", request, form, rule, duration)

    def _common(self, form, seen, max_s):
        for name in ("RoleArn", "RoleSessionName"):
            if not form.get(name):
                raise invalid(f"Value null at '{name}' failed to satisfy constraint: Member must not be null")
        if not _ROLE.fullmatch(form["RoleArn"]):
            raise Refusal(400, "ValidationError", f"{form['RoleArn']} is invalid")
        if not _SESSION_NAME.fullmatch(form["RoleSessionName"]):
            raise invalid(f"Value '{form['RoleSessionName']}' at 'roleSessionName'")
        if "Policy" in form:
            seen["policy"] = policy_of(form["Policy"])
        return duration_of(form.get("DurationSeconds", str(DEFAULT_S)), max_s)

    def _role(self, arn):
        role = self.own["roles"].get(arn)
        if role is None:
            raise self._denied("sts:AssumeRole", arn)
        return role

    @staticmethod
    def _denied(action, arn):
        text = f"User: arn:aws:iam::123456789012:user/sim is not authorized to perform: {action} on resource: {arn}"
        return Refusal(403, "AccessDenied", text)

    def _assumed(self, action, request, form, rule, duration):
        credentials = self.issue(request, rule, duration)
        fields = "".join(f"<{name}>{element(value)}</{name}>" for name, value in credentials.items())
        name = form["RoleArn"].rpartition("/")[2]
        arn = f"arn:aws:sts::123456789012:assumed-role/{name}/{form['RoleSessionName']}"
        user = f"<AssumedRoleId>AROASIM:{form['RoleSessionName']}</AssumedRoleId><Arn>{arn}</Arn>"
        result = f"<Credentials>{fields}</Credentials><AssumedRoleUser>{user}</AssumedRoleUser>"
        metadata = f"<ResponseMetadata><RequestId>{uuid.uuid4()}</RequestId></ResponseMetadata>"
        inner = f"<{action}Result>{result}</{action}Result>{metadata}"
        return xml_answer(200, f"<{action}Response {NAMESPACE}>{inner}</{action}Response>")

    def refuse(self, status, code, message):
        kind = "Sender" if status < 500 else "Receiver"
        error = f"<Error><Type>{kind}</Type><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
        inner = f"{error}<RequestId>{uuid.uuid4()}</RequestId>"
        return xml_answer(status, f"<ErrorResponse {NAMESPACE}>{inner}</ErrorResponse>")


def element(value):
    """A text; anything else is there by a fault, and gets an element where a text should be."""
    return escape(value) if isinstance(value, str) else f"<Number>{value}</Number>"


def xml_answer(status, text):
    return Answer(status, text.encode(), "text/xml")


def duration_of(text, max_s):
    if not text.isdigit() or not MIN_S <= int(text) <= MAX_S:
        raise invalid(f"Value '{text}' at 'durationSeconds' must be from {MIN_S} to {MAX_S}")
    if int(text) > max_s:
        message = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
        raise Refusal(400, "ValidationError", message)
    return int(text)


def policy_of(text):
    try:
        return json.loads(text)
    except ValueError:
        raise Refusal(400, "MalformedPolicyDocument", "This policy contains invalid Json") from None


def tags_of(form):
    """Tags.member.N.Key and .Value, N from 1."""
    tags = {}
    for n in range(1, 51):
        if f"Tags.member.{n}.Key" in form:
            tags[form[f"Tags.member.{n}.Key"]] = form.get(f"Tags.member.{n}.Value", "")
    return tags
