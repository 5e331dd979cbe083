"""AWS Signature Version 4 in its two forms: with a secret (HMAC), and with the key of a certificate (X.509).

Written from the IAM user guide ("Create a signed AWS API request") and the IAM Roles Anywhere user guide ("The signing
process"), on its own, so that it can be a witness against the bridge. Paths here are `/` or plain words: nothing that
needs a second encoding.
"""
import calendar
import hashlib
import hmac
import re
import time
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from .exchange import Refusal

SKEW_S = 300
HMAC = "AWS4-HMAC-SHA256"
RSA = "AWS4-X509-RSA-SHA256"
ECDSA = "AWS4-X509-ECDSA-SHA256"

_AUTHORIZATION = re.compile(
    r"(?P<algorithm>[\w-]+) "
    r"Credential=(?P<id>[^/]+)/(?P<day>\d{8})/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request, ?"
    r"SignedHeaders=(?P<headers>[^,]+), ?Signature=(?P<signature>[0-9a-f]+)"
)
_NEVER_SIGNED = {"authorization", "user-agent", "connection", "expect", "transfer-encoding"}


@dataclass
class Claim:
    """What the Authorization header says."""

    algorithm: str
    id: str
    day: str
    region: str
    service: str
    headers: list
    signature: str


def read_claim(request):
    text = request.header("authorization")
    if not text:
        raise Refusal(403, "MissingAuthenticationToken", "Request is missing Authentication Token")
    match = _AUTHORIZATION.fullmatch(text)
    if not match:
        raise Refusal(400, "IncompleteSignature", f"Authorization header is not as it should be: {text!r}")
    parts = match.groupdict()
    return Claim(**{**parts, "headers": parts["headers"].split(";")})


def check_scope(request, claim, service, region):
    """The scope, the clock, and that all that matters is signed."""
    date = request.header("x-amz-date") or ""
    if (claim.service, claim.region, claim.day) != (service, region, date[:8]):
        wanted = f"{date[:8]}/{region}/{service}"
        raise Refusal(403, "SignatureDoesNotMatch", f"Credential should be scoped to {wanted}")
    check_clock(date, request.now_s)
    wanted = {"host", *(n.lower() for n, _ in request.headers if n.lower().startswith("x-amz-"))}
    unsigned = wanted - set(claim.headers)
    if unsigned or claim.headers != sorted(claim.headers) or _NEVER_SIGNED & set(claim.headers):
        raise Refusal(403, "SignatureDoesNotMatch", f"SignedHeaders are wrong; not signed: {sorted(unsigned)}")


def check_clock(date, now_s):
    try:
        signed_s = calendar.timegm(time.strptime(date, "%Y%m%dT%H%M%SZ"))
    except ValueError:
        raise Refusal(400, "IncompleteSignature", "Date must be in ISO-8601 'basic format'.") from None
    if abs(signed_s - now_s) > SKEW_S:
        raise Refusal(403, "SignatureDoesNotMatch", f"Signature expired or not yet current: {date}")


def canonical_query(query):
    pairs = [(quote(k, safe="-_.~"), quote(v, safe="-_.~")) for k, v in parse_qsl(query, keep_blank_values=True)]
    return "&".join(f"{k}={v}" for k, v in sorted(pairs))


def canonical_request(request, names):
    lines = [request.method, request.path, canonical_query(request.query)]
    for name in names:
        values = [" ".join(v.split()) for v in request.all(name)]
        lines.append(f"{name}:{','.join(values)}")
    return "\n".join([*lines, "", ";".join(names), hashlib.sha256(request.body).hexdigest()])


def string_to_sign(request, claim):
    digest = hashlib.sha256(canonical_request(request, claim.headers).encode()).hexdigest()
    scope = f"{claim.day}/{claim.region}/{claim.service}/aws4_request"
    return "\n".join([claim.algorithm, request.header("x-amz-date"), scope, digest])


def hmac_signature(secret, text, claim):
    key = b"AWS4" + secret.encode()
    for part in (claim.day, claim.region, claim.service, "aws4_request", text):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key.hex()


def check_hmac(request, service, region, find_key):
    """Returns the key that signed. find_key(id) gives one with secret, token and expires_s, or None."""
    claim = read_claim(request)
    if claim.algorithm != HMAC:
        raise Refusal(400, "IncompleteSignature", "Unsupported AWS 'algorithm'.")
    check_scope(request, claim, service, region)
    key = find_key(claim.id)
    if key is None or (request.header("x-amz-security-token") or "") != key.token:
        raise Refusal(403, "InvalidClientTokenId", "The security token included in the request is invalid.")
    if request.now_s >= key.expires_s:
        raise Refusal(403, "ExpiredToken", "The security token included in the request is expired")
    if hmac_signature(key.secret, string_to_sign(request, claim), claim) != claim.signature:
        message = "The request signature we calculated does not match the signature you provided."
        raise Refusal(403, "SignatureDoesNotMatch", message)
    return key


def check_x509(request, service, region, certificate):
    """That the key of this certificate signed the request."""
    claim = read_claim(request)
    check_scope(request, claim, service, region)
    if claim.id != str(certificate.serial_number):
        raise Refusal(403, "AccessDeniedException", "The serial number in Credential is not that of the certificate")
    text = string_to_sign(request, claim).encode()
    try:
        verify(certificate, claim.algorithm, bytes.fromhex(claim.signature), text)
    except (InvalidSignature, ValueError):
        raise Refusal(403, "AccessDeniedException", "The request signature does not match") from None


def verify(certificate: x509.Certificate, algorithm, signature, text):
    key = certificate.public_key()
    if algorithm == RSA and isinstance(key, rsa.RSAPublicKey):
        key.verify(signature, text, padding.PKCS1v15(), hashes.SHA256())
    elif algorithm == ECDSA and isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(signature, text, ec.ECDSA(hashes.SHA256()))
    else:
        raise InvalidSignature(f"{algorithm} does not fit the key of the certificate")
