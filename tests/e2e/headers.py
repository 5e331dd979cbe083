"""Types of attributes where the transport has none: written and read here independently of the product.

A companion `sqsbridge.type.<name>` carries the type, only where it is not a plain String.
"""
import base64

from .messages import BINARY, STRING

PREFIX = "sqsbridge.type."


def to_headers(attributes, text_only=False):
    """[(name, value)], values as bytes; text_only: binary values as base64, as MQTT's user properties need it."""
    headers = []
    for name, (kind, value) in attributes.items():
        encoded = text_only and kind == BINARY
        headers.append((name, base64.b64encode(value) if encoded else value))
        if kind != STRING:
            headers.append((PREFIX + name, (kind + (";base64" if encoded else "")).encode()))
    return headers


def from_headers(headers):
    """The attributes, typed. A companion without its header is left, so that a test sees it."""
    values = dict(headers)
    attributes = {}
    for name, value in values.items():
        if name.startswith(PREFIX) and name[len(PREFIX):] in values:
            continue
        kind, _, encoding = values.get(PREFIX + name, STRING.encode()).decode().partition(";")
        attributes[name] = (kind, base64.b64decode(value) if encoding == "base64" else value)
    return attributes
