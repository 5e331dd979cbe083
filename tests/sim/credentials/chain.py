"""Certificates up to a trust anchor, as IAM Roles Anywhere checks them ("Trust model" of its user guide)."""
import base64
import binascii
from datetime import datetime, timezone

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509 import ExtensionNotFound

from .exchange import Refusal

MAX_CHAIN = 5


def untrusted(why):
    return Refusal(403, "AccessDeniedException", f"Untrusted certificate. {why}")


def decode(text):
    """A certificate from the base64 of its DER, on one line."""
    try:
        return x509.load_der_x509_certificate(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        raise Refusal(400, "ValidationException", "Malformed certificate") from None


def check_chain(leaf, intermediates, anchors, now_s):
    """leaf, then intermediates in any order, up to one of the anchors."""
    if len(intermediates) > MAX_CHAIN:
        raise Refusal(400, "ValidationException", "Too many certificates in X-Amz-X509-Chain")
    check_end_entity(leaf)
    certificate, left = leaf, list(intermediates)
    while True:
        check_dates(certificate, now_s)
        anchor = next((a for a in anchors if issued(a, certificate)), None)
        if anchor is not None:
            return check_dates(anchor, now_s)
        issuer = next((c for c in left if issued(c, certificate)), None)
        if issuer is None:
            raise untrusted("Insufficient certificate chain")
        check_authority(issuer)
        left.remove(issuer)
        certificate = issuer


def issued(issuer, certificate):
    try:
        certificate.verify_directly_issued_by(issuer)
        return True
    except (InvalidSignature, ValueError, TypeError):
        return False


def check_dates(certificate, now_s):
    now = datetime.fromtimestamp(now_s, timezone.utc)
    if now < certificate.not_valid_before_utc:
        raise untrusted("Certificate not yet valid")
    if now > certificate.not_valid_after_utc:
        raise untrusted("Certificate expired")


def check_end_entity(leaf):
    if leaf.version != x509.Version.v3:
        raise untrusted("Certificate must be X.509v3")
    usage, constraints = extension(leaf, x509.KeyUsage), extension(leaf, x509.BasicConstraints)
    if constraints is None or constraints.ca:
        raise untrusted("End entity certificate must have basic constraints CA:FALSE")
    if usage is None or not usage.digital_signature:
        raise untrusted("End entity certificate must have key usage Digital Signature")


def check_authority(issuer):
    usage, constraints = extension(issuer, x509.KeyUsage), extension(issuer, x509.BasicConstraints)
    if constraints is None or not constraints.ca or (usage is not None and not usage.key_cert_sign):
        raise untrusted("Not a certificate authority")


def extension(certificate, kind):
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except ExtensionNotFound:
        return None
