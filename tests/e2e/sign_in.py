"""Every way to sign in at AWS: what the configuration says, and what of files and environment goes with it."""
import json
import os
import subprocess
import sys
import uuid
from dataclasses import dataclass, field
from pathlib import Path

from tests.sim.credentials import defaults

from .libconfig import write

PASSWORD, PIN = "keystore-sesame", "74219921"
POD_TOKEN = "pod-identity-token-sesame"
SESSION_NAME = "e2e-bridge"
NULL_SINK = {"type": "file", "path": "/dev/null", "format": "jsonl"}
SOFTHSM = "/usr/lib/softhsm/libsofthsm2.so"

# What a developer's machine may have set must not open any door.
CLEAN = dict.fromkeys((
    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_PROFILE",
    "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_ENDPOINT_URL", "AWS_CA_BUNDLE",
    "HTTPS_PROXY", "https_proxy",
), "")


@dataclass
class Way:
    """section None: the pipeline names no credentials, and the SDKs' chain decides."""

    section: dict | None = None
    environment: dict = field(default_factory=dict)
    others: dict = field(default_factory=dict)  # sections that the section refers to
    service: str | None = None  # the simulator that hands out the keys
    before: str | None = None  # and that which hands out the keys to ask it with
    seen: dict = field(default_factory=dict)  # what it must have read in the request


class SignIn:
    """Makes each way. Secrets that it puts anywhere are remembered in secrets."""

    def __init__(self, folder, sim, sqs, certs, authority):
        self.folder, self.sim, self.sqs, self.certs, self.authority = folder, sim, sqs, certs, authority
        self.secrets = {defaults.SECRET, PASSWORD, PIN, POD_TOKEN, defaults.WEB_IDENTITY_TOKEN}

    def way(self, name):
        return getattr(self, name)()

    # ---- pieces ----

    def file(self, name, content):
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        path.chmod(0o600)
        return str(path)

    def keys(self, expires_s=None):
        """Temporary keys that SQS knows and no service hands out."""
        made = {"access_key": f"ASIA{uuid.uuid4().hex[:16].upper()}", "secret": f"{uuid.uuid4().hex}/+sesame",
                "token": f"{uuid.uuid4().hex}//token+sesame=="}
        self.secrets |= {made["secret"], made["token"]}
        self.sqs.control("credentials", {**made, **({"expires_s": expires_s} if expires_s else {})})
        return made

    def process_output(self, expiration=None, expires_s=None):
        keys = self.keys(expires_s)
        made = {"Version": 1, "AccessKeyId": keys["access_key"], "SecretAccessKey": keys["secret"],
                "SessionToken": keys["token"]}
        return json.dumps({**made, **({"Expiration": expiration} if expiration else {})})

    def environment(self, way=None, **more):
        """For the bridge: nothing but what the way sets."""
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        own = way.environment if way else {}
        return {**CLEAN, "HOME": str(home), "AWS_EC2_METADATA_DISABLED": "true", **own, **more}

    def secrets_now(self):
        """All of them, those handed out so far among them."""
        issued = self.sim.show("issued")
        return self.secrets | {k["secret"] for k in issued} | {k["token"] for k in issued}

    # ---- keys that are given ----

    def static(self):
        keys = self.keys()
        return Way({"provider": "static", "access_key_id": keys["access_key"], "secret_access_key": keys["secret"],
                    "session_token": keys["token"]})

    def environment_keys(self):
        keys = self.keys()
        return Way({"provider": "environment"}, {
            "AWS_ACCESS_KEY_ID": keys["access_key"], "AWS_SECRET_ACCESS_KEY": keys["secret"],
            "AWS_SESSION_TOKEN": keys["token"]})

    def chain_environment(self):
        return Way(None, self.environment_keys().environment)

    # ---- profiles ----

    def credentials_file(self, **profiles):
        lines = []
        for name, keys in profiles.items():
            lines += [f"[{name}]", f"aws_access_key_id = {keys['access_key']}",
                      f"aws_secret_access_key={keys['secret']}"]
            lines += [f"aws_session_token = {keys['token']}"] if keys.get("token") else []
            lines.append("")
        return self.file("aws-credentials", "\n".join(lines))

    def profile(self):
        path = self.credentials_file(plant=self.keys(), other={"access_key": "AKIAOTHER", "secret": "no"})
        return Way({"provider": "profile", "profile": "plant", "credentials_file": path,
                    "config_file": self.file("aws-config", "# nothing\n")})

    def profile_in_config_file(self):
        keys = self.keys()
        text = (f"[default]\nregion = us-east-1\n\n[profile plant]\naws_access_key_id = {keys['access_key']}\n"
                f"aws_secret_access_key = {keys['secret']}\naws_session_token = {keys['token']}\n")
        return Way({"provider": "profile", "profile": "plant", "config_file": self.file("aws-config", text)})

    def profile_role(self):
        """A role by source_profile, which has its keys in the other file."""
        text = (f"[profile plant]\nrole_arn = {defaults.ROLE_WITH_EXTERNAL_ID}\nsource_profile = base\n"
                f"external_id = {defaults.EXTERNAL_ID}\nrole_session_name = {SESSION_NAME}\nduration_seconds = 1800\n"
                "region = us-east-1\n")
        path = self.credentials_file(base={"access_key": defaults.ACCESS_KEY, "secret": defaults.SECRET})
        section = {"provider": "profile", "profile": "plant", "credentials_file": path,
                   "config_file": self.file("aws-config", text)}
        seen = {"RoleSessionName": SESSION_NAME, "DurationSeconds": "1800", "ExternalId": defaults.EXTERNAL_ID}
        return Way(section, {"AWS_ENDPOINT_URL_STS": self.sim.endpoint()}, service="sts", seen=seen)

    def profile_of_a_container(self):
        """A role by credential_source."""
        text = (f"[profile plant]\nrole_arn = {defaults.ROLE}\ncredential_source = EcsContainer\n"
                f"role_session_name = {SESSION_NAME}\nregion = us-east-1\n")
        environment = {**self.chain_container().environment, "AWS_ENDPOINT_URL_STS": self.sim.endpoint()}
        section = {"provider": "profile", "profile": "plant", "config_file": self.file("aws-config", text)}
        return Way(section, environment, service="sts", before="container", seen={"RoleSessionName": SESSION_NAME})

    def profile_of_a_web_identity(self):
        token = self.file("web-identity-token", defaults.WEB_IDENTITY_TOKEN)
        text = (f"[profile plant]\nrole_arn = {defaults.ROLE}\nweb_identity_token_file = {token}\n"
                f"role_session_name = {SESSION_NAME}\nregion = us-east-1\n")
        section = {"provider": "profile", "profile": "plant", "config_file": self.file("aws-config", text)}
        return Way(section, {"AWS_ENDPOINT_URL_STS": self.sim.endpoint()}, service="sts",
                   seen={"RoleSessionName": SESSION_NAME, "Action": "AssumeRoleWithWebIdentity"})

    def profile_process(self):
        script = self.file("process.py", f"print({self.process_output()!r})")
        text = f'[profile plant]\ncredential_process = {sys.executable} "{script}"\n'
        return Way({"provider": "profile", "profile": "plant", "config_file": self.file("aws-config", text)})

    def chain_profile(self):
        way = self.profile()
        return Way(None, {"AWS_PROFILE": "plant", "AWS_SHARED_CREDENTIALS_FILE": way.section["credentials_file"],
                          "AWS_CONFIG_FILE": way.section["config_file"]})

    # ---- a process ----

    def process(self):
        return Way({"provider": "process",
                    "command": [sys.executable, self.file("process.py", f"print({self.process_output()!r})")]})

    # ---- STS ----

    def sts_settings(self):
        return {"endpoint_url": self.sim.endpoint(), "region": defaults.REGION}

    def base_section(self):
        return {"provider": "static", "access_key_id": defaults.ACCESS_KEY, "secret_access_key": defaults.SECRET}

    def assume_role(self):
        section = {"provider": "assume-role", "source": "base", "role_arn": defaults.ROLE_WITH_EXTERNAL_ID,
                   "external_id": defaults.EXTERNAL_ID, "role_session_name": SESSION_NAME, "duration_seconds": "900s",
                   "session_tags": ["site=berlin", "line=a/b +ü"], "policy": '{"Version": "2012-10-17"}',
                   **self.sts_settings()}
        seen = {"RoleSessionName": SESSION_NAME, "DurationSeconds": "900", "caller": defaults.ACCESS_KEY,
                "tags": {"site": "berlin", "line": "a/b +ü"}, "policy": {"Version": "2012-10-17"}}
        return Way(section, others={"base": self.base_section()}, service="sts", seen=seen)

    def assume_role_chained(self):
        first = {"provider": "assume-role", "source": "base", "role_arn": defaults.ROLE, **self.sts_settings()}
        section = {"provider": "assume-role", "source": "first", "role_arn": defaults.ROLE, **self.sts_settings()}
        return Way(section, others={"base": self.base_section(), "first": first}, service="sts", before="sts")

    def assume_role_over_tls(self):
        way = self.assume_role()
        way.section.update(endpoint_url=self.sim.tls_endpoint(), tls_ca=self.certs.ca)
        return way

    def web_identity(self):
        token = self.file("web-identity-token", defaults.WEB_IDENTITY_TOKEN)
        section = {"provider": "web-identity", "role_arn": defaults.ROLE, "role_session_name": SESSION_NAME,
                   "token_file": token, **self.sts_settings()}
        seen = {"RoleSessionName": SESSION_NAME, "Action": "AssumeRoleWithWebIdentity"}
        return Way(section, service="sts", seen=seen)

    def chain_web_identity(self):
        """As EKS sets it up."""
        environment = {
            "AWS_ROLE_ARN": defaults.ROLE, "AWS_ROLE_SESSION_NAME": SESSION_NAME,
            "AWS_WEB_IDENTITY_TOKEN_FILE": self.file("web-identity-token", defaults.WEB_IDENTITY_TOKEN + "\n"),
            "AWS_ENDPOINT_URL_STS": self.sim.endpoint(), "AWS_REGION": defaults.REGION,
        }
        return Way(None, environment, service="sts", seen={"RoleSessionName": SESSION_NAME})

    # ---- services of the machine ----

    def container(self):
        path = self.file("pod-token", POD_TOKEN)
        self.sim.control("settings", {"container": {"authorization_file": path}})
        section = {"provider": "container", "uri": self.sim.endpoint() + defaults.EKS_PATH, "token_file": path}
        return Way(section, service="container")

    def chain_container(self):
        path = self.container().section["token_file"]
        environment = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": self.sim.endpoint() + defaults.EKS_PATH,
                       "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": path}
        return Way(None, environment, service="container")

    def imds(self):
        return Way({"provider": "imds", "endpoint_url": self.sim.endpoint()},
                   {"AWS_EC2_METADATA_DISABLED": ""}, service="imds")

    def chain_imds(self):
        environment = {"AWS_EC2_METADATA_DISABLED": "", "AWS_EC2_METADATA_SERVICE_ENDPOINT": self.sim.endpoint()}
        return Way(None, environment, service="imds")

    # ---- certificates ----

    def iot(self):
        section = {"provider": "iot", "endpoint_url": self.sim.tls_endpoint(), "role_alias": defaults.ROLE_ALIAS,
                   "thing_name": defaults.THING, "certificate": self.certs.client,
                   "private_key": self.certs.client_key, "tls_ca": self.certs.ca}
        return Way(section, service="iot", seen={"thing": defaults.THING, "alias": defaults.ROLE_ALIAS})

    def roles_anywhere_section(self, **identity):
        return {"provider": "roles-anywhere", "endpoint_url": self.sim.endpoint(), "profile_arn": defaults.PROFILE,
                "trust_anchor_arn": defaults.TRUST_ANCHOR, "role_arn": defaults.ROLE, **identity}

    def _roles_anywhere(self, chain_length, **identity):
        section = self.roles_anywhere_section(**identity, role_session_name=SESSION_NAME, duration_seconds="900s")
        seen = {"roleSessionName": SESSION_NAME, "durationSeconds": 900, "chain_length": chain_length}
        return Way(section, service="roles_anywhere", seen=seen)

    def roles_anywhere_rsa(self):
        key, certificate, _ = self.authority.issue("rsa-leaf", "rsa").write(self.folder, "rsa")
        return self._roles_anywhere(0, certificate=certificate, private_key=key)

    def roles_anywhere_ec_chain(self):
        """Over TLS, with an intermediate authority in a file of its own."""
        identity = self.authority.intermediate().issue("ec-leaf")
        key, certificate, chain = identity.write(self.folder, "ec")
        way = self._roles_anywhere(1, certificate=certificate, private_key=key, certificate_chain=chain)
        way.section.update(endpoint_url=self.sim.tls_endpoint(), tls_ca=self.certs.ca)
        return way

    def roles_anywhere_encrypted_key(self):
        identity = self.authority.issue("rsa-leaf", "rsa")
        key = self.file("encrypted.key", identity.key_pem(PASSWORD))
        _, certificate, _ = identity.write(self.folder, "encrypted-leaf")
        return self._roles_anywhere(0, certificate=certificate, private_key=key, certificate_password=PASSWORD)

    def roles_anywhere_pkcs12(self):
        store = self.authority.intermediate().issue("p12-leaf", "rsa").pkcs12(PASSWORD)
        return self._roles_anywhere(1, certificate=self.file("store.p12", store), certificate_password=PASSWORD)

    def assume_role_of_a_certificate(self):
        """The session of a certificate takes on a role."""
        first = self.roles_anywhere_rsa().section
        section = {"provider": "assume-role", "source": "first", "role_arn": defaults.ROLE, **self.sts_settings()}
        return Way(section, others={"first": first}, service="sts", before="roles_anywhere")

    def roles_anywhere_folder(self):
        """Of two certificates, the one named, with the key that fits it."""
        folder = self.folder / "certificates"
        self.authority.issue("other").write(folder, "a-other")
        wanted = self.authority.issue("wanted")
        wanted.write(folder, "b-wanted")
        way = self._roles_anywhere(0, certificate=str(folder), certificate_identifier="subject:CN=wanted")
        way.seen["serial"] = str(wanted.certificate.serial_number)
        return way

    def roles_anywhere_pkcs11(self):
        token = SoftToken(self.folder / "hsm", self.authority.issue("hsm-leaf", "rsa"))
        way = self._roles_anywhere(0, certificate=token.uri, certificate_password=PIN)
        way.environment = {"SOFTHSM2_CONF": token.config}
        return way


WAYS = (
    "static", "environment_keys", "chain_environment", "profile", "profile_in_config_file", "profile_role",
    "profile_of_a_container", "profile_of_a_web_identity", "profile_process", "chain_profile", "process", "assume_role",
    "assume_role_chained", "assume_role_over_tls", "web_identity", "chain_web_identity", "container", "chain_container",
    "imds", "chain_imds", "iot",
    "roles_anywhere_rsa", "roles_anywhere_ec_chain", "roles_anywhere_encrypted_key", "roles_anywhere_pkcs12",
    "roles_anywhere_folder", "roles_anywhere_pkcs11", "assume_role_of_a_certificate",
)


class SoftToken:
    """A token of SoftHSM that holds the key and the certificate."""

    def __init__(self, folder, identity):
        (folder / "tokens").mkdir(parents=True)
        self.config = str(folder / "softhsm2.conf")
        Path(self.config).write_text(f"directories.tokendir = {folder}/tokens\n")
        key, certificate, _ = identity.write(folder, "leaf")
        self._run("softhsm2-util", "--init-token", "--free", "--label", "sim", "--so-pin", "12345678", "--pin", PIN)
        self._run("softhsm2-util", "--import", key, "--token", "sim", "--label", "bridge", "--id", "01", "--pin", PIN)
        self._run("pkcs11-tool", "--module", SOFTHSM, "--token-label", "sim", "--login", "--pin", PIN,
                  "--write-object", certificate, "--type", "cert", "--id", "01", "--label", "bridge")
        os.unlink(key)
        self.uri = f"pkcs11:token=sim;object=bridge?module-path={SOFTHSM}"

    def _run(self, *words):
        environment = {**os.environ, "SOFTHSM2_CONF": self.config}
        done = subprocess.run(words, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, (words, done.stdout, done.stderr)


def queue_settings(queue, credentials, **more):
    """The queue without keys of its own."""
    section = {"credentials": credentials} if credentials else {}
    return {"type": "sqs", "queue_url": queue.url, "region": defaults.REGION, **section, **more}


def configuration(way, pipelines):
    """The credentials section of the way is called "plant"."""
    sections = {**way.others, **({"plant": way.section} if way.section else {})}
    return write({**({"credentials": sections} if sections else {}), "pipelines": pipelines})
