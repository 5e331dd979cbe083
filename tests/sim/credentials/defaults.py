"""How the simulators start. A test changes what it needs by POST /_sim/settings; /_sim/reset returns to this."""
import copy

REGION = "us-east-1"
ACCESS_KEY, SECRET = "AKIDBASE", "base/secret+of=the-sim"
ROLE = "arn:aws:iam::123456789012:role/path/BridgeRole"
ROLE_WITH_EXTERNAL_ID = "arn:aws:iam::123456789012:role/WithExternalId"
EXTERNAL_ID = "partner-4711"
WEB_IDENTITY_TOKEN = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJzaW0ifQ.c2lnbmF0dXJl"
TRUST_ANCHOR = "arn:aws:rolesanywhere:us-east-1:123456789012:trust-anchor/0a1b2c3d-0000-4000-8000-000000000002"
PROFILE = "arn:aws:rolesanywhere:us-east-1:123456789012:profile/0a1b2c3d-0000-4000-8000-000000000001"
ECS_PATH = "/v2/credentials/7d1f4a9e-0000-4000-8000-000000000004"
EKS_PATH = "/v1/credentials"
INSTANCE_ROLE = "BridgeInstance"
ROLE_ALIAS, THING = "BridgeAlias", "thing-1"

# lifetime_s: what is handed out expires after this, whatever was asked for (0: as asked for).
# reuse: "no" (new keys each time), "until_expiry" (the same until they expire), "always" (even expired ones).
_EVERY = {"lifetime_s": 0, "reuse": "no"}

_SETTINGS = {
    "region": REGION,
    "sqs": None,
    "base_key": {"access_key": ACCESS_KEY, "secret": SECRET},
    "sts": {
        **_EVERY,
        "roles": {ROLE: {}, ROLE_WITH_EXTERNAL_ID: {"external_id": EXTERNAL_ID}},
        "tokens": [WEB_IDENTITY_TOKEN],
        "expired_tokens": [],
    },
    "roles_anywhere": {
        **_EVERY,
        "trust_anchors": {},
        "profiles": {PROFILE: {"roles": [ROLE], "accept_session_name": True}},
    },
    "imds": {**_EVERY, "role": INSTANCE_ROLE, "v1": False, "token_ttl_s": 0, "code": "Success"},
    "container": {
        **_EVERY, "paths": [ECS_PATH, EKS_PATH], "role": ROLE, "authorization": None, "authorization_file": None,
    },
    "iot": {**_EVERY, "aliases": [ROLE_ALIAS], "things": [THING]},
}


def settings(sqs=None, trust_anchor=None):
    made = copy.deepcopy(_SETTINGS)
    made["sqs"] = sqs
    if trust_anchor:
        made["roles_anywhere"]["trust_anchors"][TRUST_ANCHOR] = str(trust_anchor)
    return made


def merge(into, changes):
    """Groups are merged one deep; anything else is replaced. An unknown name is a mistake of the test."""
    for name, value in changes.items():
        if name not in into:
            raise ValueError(f"no such setting: {name} (there are: {' '.join(into)})")
        if isinstance(into[name], dict) and isinstance(value, dict) and name != "base_key":
            unknown = set(value) - set(into[name])
            if unknown:
                raise ValueError(f"no such setting: {name}: {unknown}")
            into[name].update(value)
        else:
            into[name] = value
