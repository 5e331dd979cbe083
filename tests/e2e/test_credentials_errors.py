"""What is wrong with a way to sign in is said in one clear line, soon; and no secret is ever printed."""
import re
import sys
import time
from pathlib import Path

import pytest

from tests.e2e.bridge import command
from tests.e2e.messages import make_messages
from tests.e2e.sign_in import NULL_SINK, PASSWORD, PIN, WAYS, Way, configuration, queue_settings
from tests.rig import wait_until
from tests.sim.credentials import defaults, pki

LIMIT_S = 10


def one_pipeline(way, queue):
    source = queue_settings(queue, "plant" if way.section else None)
    return configuration(way, {"p": {"source": source, "sink": NULL_SINK}})


def complaint(b, pattern):
    """The line, from a start that is refused (sysexits' EX_CONFIG) or from a bridge that goes on trying."""
    b.start(wait=False)
    said = lambda: b.log_lines(pattern) or not b.running()
    wait_until(said, LIMIT_S, f"{pattern!r} in {b.log_path}")
    shown = time.monotonic()
    wait_until(lambda: time.monotonic() - shown > 2 or not b.running(), 5, "repetition")
    if b.running():
        b.stop()
    else:
        assert b.process.wait() == 78, b.log()
    lines = b.log_lines(pattern)
    assert lines, f"nothing like {pattern!r}:\n{b.log()[-3000:]}"
    assert len(lines) <= 3, "the same complaint over and over"
    return lines[0]


# ---- what a user may write ----


class Mistakes:
    """Each returns the way, and what its line must say."""

    def __init__(self, sign_in):
        self.s = sign_in

    def _certificate(self, identity, name, **more):
        key, certificate, _ = identity.write(self.s.folder, name)
        return Way(self.s.roles_anywhere_section(certificate=certificate, private_key=key, **more))

    def certificate_of_another_key(self):
        leaf = self.s.authority.issue()
        other = pki.Identity(pki.make_key("ec"), leaf.certificate)
        return self._certificate(other, "another"), r"another\.(key|crt).*(?i:belong|match)"

    def iot_certificate_of_another_key(self):
        way = self.s.iot()
        way.section["private_key"] = self.s.certs.server_key
        return way, r"(client\.crt|server\.key).*(?i:belong|match)"

    def certificate_expired(self):
        return self._certificate(self.s.authority.issue(days=(-9, -1)), "late"), r"late\.crt.*(?i:expired)"

    def certificate_not_yet_valid(self):
        return self._certificate(self.s.authority.issue(days=(1, 9)), "early"), r"early\.crt.*(?i:not (yet )?valid)"

    def certificate_of_a_stranger(self):
        return self._certificate(pki.Authority.root().issue(), "stranger"), "(?i)untrusted certificate"

    def certificate_that_is_none(self):
        way = self._certificate(self.s.authority.issue(), "leaf")
        way.section["certificate"] = self.s.file("rubbish.crt", "-----BEGIN RUBBISH-----\n")
        return way, r"rubbish\.crt"

    def iot_certificate_of_a_stranger(self):
        way = self.s.iot()
        way.section.update(certificate=self.s.certs.wrong_client, private_key=self.s.certs.wrong_client_key)
        return way, "(?i)(plant|iot).*(certificate|alert|unknown ca)"

    def iot_thing_unknown(self):
        way = self.s.iot()
        way.section["thing_name"] = "nobody"
        return way, "(?i)access denied"

    def iot_alias_unknown(self):
        way = self.s.iot()
        way.section["role_alias"] = "nobody"
        return way, "(?i)role alias not found|404"

    def pkcs12_password_wrong(self):
        way = self.s.roles_anywhere_pkcs12()
        way.section["certificate_password"] = "not-sesame"
        return way, r"store\.p12.*(?i:password)"

    def pkcs11_pin_wrong(self):
        way = self.s.roles_anywhere_pkcs11()
        way.section["certificate_password"] = "99999999"
        return way, "(?i)pkcs.?11.*pin"

    def profile_not_there(self):
        way = self.s.profile()
        way.section["profile"] = "palnt"
        return way, r"palnt.*aws-c"

    def profiles(self, text):
        return Way({"provider": "profile", "profile": "plant", "config_file": self.s.file("aws-config", text),
                    "credentials_file": self.s.file("aws-credentials", "")})

    def profile_of_itself(self):
        text = f"[profile plant]\nrole_arn = {defaults.ROLE}\nsource_profile = plant\n"
        return self.profiles(text), "(?i)plant.*(itself|circle)"

    def profiles_in_a_circle(self):
        role = f"role_arn = {defaults.ROLE}\n"
        text = f"[profile plant]\n{role}source_profile = b\n[profile b]\n{role}source_profile = plant\n"
        return self.profiles(text), "(?i)plant.*(itself|circle|loop|cycle)"

    def profile_source_not_there(self):
        return self.profiles(f"[profile plant]\nrole_arn = {defaults.ROLE}\nsource_profile = nobody\n"), "nobody"

    def profile_of_sso(self):
        text = "[profile plant]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = Admin\n"
        return self.profiles(text), "(?i)plant.*sso"

    def profile_of_mfa(self):
        mfa = f"role_arn = {defaults.ROLE}\nsource_profile = b\nmfa_serial = arn:aws:iam::123456789012:mfa/me\n"
        return self.profiles(f"[profile plant]\n{mfa}[profile b]\n"), "(?i)plant.*mfa"

    def profile_with_half_a_key(self):
        return self.profiles("[profile plant]\naws_access_key_id = AKIAHALF\n"), "aws_secret_access_key"

    def profile_with_nothing(self):
        return self.profiles("[profile plant]\nregion = us-east-1\n"), "plant"

    def process(self, program, **more):
        script = self.s.file("process.py", program)
        return Way({"provider": "process", "command": [sys.executable, script], **more})

    def process_prints_rubbish(self):
        return self.process("print('<html>')"), "(?i)plant.*process"

    def process_prints_nothing(self):
        return self.process(""), "(?i)plant.*process"

    def process_prints_too_much(self):
        return self.process("print('x' * (64 << 20))"), "(?i)plant.*process"

    def process_hangs(self):
        return self.process("import time; time.sleep(1000)", timeout="1s"), "(?i)plant.*(1 ?s|time|within)"

    def process_fails(self):
        program = "import sys; sys.exit('the vault is sealed')"
        return self.process(program), "(?i)plant.*vault is sealed"

    def process_is_not_there(self):
        return Way({"provider": "process", "command": ["/nowhere/at-all"]}), "/nowhere/at-all.*(?i:no such file)"

    def process_of_another_version(self):
        return self.process("print('{\"Version\": 2}')"), "(?i)plant.*version"

    def process_without_a_secret(self):
        return self.process("print('{\"Version\": 1, \"AccessKeyId\": \"AKIA\"}')"), "SecretAccessKey"

    def process_with_expired_keys(self):
        output = self.s.process_output("2020-01-01T00:00:00Z", expires_s=1577836800)
        return self.process(f"print({output!r})"), "(?i)plant.*expired"

    def process_that_tells_a_secret(self):
        """What it complains of is shown, and a key in it is not."""
        self.s.secrets.add("wJalrXUtnFEMI/K7MDENG+bPxRfiCYzEXAMPLE04")
        program = "import sys; sys.exit('no access with wJalrXUtnFEMI/K7MDENG+bPxRfiCYzEXAMPLE04, sealed')"
        return self.process(program), "(?i)plant.*no access with.*sealed"

    def token_file_not_there(self):
        way = self.s.web_identity()
        way.section["token_file"] = "/nowhere/token"
        return way, "/nowhere/token.*(?i:no such file)"

    def token_of_nobody(self):
        way = self.s.web_identity()
        self.s.file("web-identity-token", "eyJ.of.nobody")
        return way, "InvalidIdentityToken"

    def role_not_allowed(self):
        way = self.s.assume_role()
        way.section["external_id"] = "another"
        return way, "AccessDenied"

    def source_with_a_wrong_secret(self):
        way = self.s.assume_role()
        way.others["base"]["secret_access_key"] = "wrong-sesame"
        return way, "SignatureDoesNotMatch"

    def section_of_itself(self):
        way = self.s.assume_role()
        way.section["source"] = "plant"
        return way, r"bridge\.conf:\d+: .*(?i:itself|circle|loop|cycle)"

    def section_not_there(self):
        way = self.s.assume_role()
        way.section["source"] = "bsae"
        return way, r"bridge\.conf:\d+: .*bsae.*base"

    def duration_too_short(self):
        way = self.s.assume_role()
        way.section["duration_seconds"] = "100s"
        return way, r"bridge\.conf:\d+: .*duration_seconds.*900"

    def static_without_a_secret(self):
        return Way({"provider": "static", "access_key_id": "AKIAHALF"}), r"bridge\.conf:\d+: .*secret_access_key"

    def container_elsewhere(self):
        """Keys in the clear over a network: only this machine and the known addresses are allowed."""
        return Way({"provider": "container", "uri": "http://192.0.2.1/creds"}), "192.0.2.1.*(?i:https)"

    def environment_with_nothing(self):
        return Way({"provider": "environment"}), "AWS_ACCESS_KEY_ID"

    def chain_with_nothing(self):
        return Way(None), "(?i)no (AWS )?credentials"

    def metadata_out_of_reach(self):
        """A hop limit of one, seen from a container: the request for a token is never answered."""
        self.s.sim.control("faults", {"service": "imds", "action": "token", "kind": "hang", "count": -1})
        return self.s.imds(), "(?i)plant.*(metadata|hop|token)"

    def machine_without_a_role(self):
        self.s.sim.control("settings", {"imds": {"role": None}})
        return self.s.imds(), "(?i)plant.*role"


MISTAKES = sorted(n for n in vars(Mistakes) if not n.startswith("_") and n not in ("process", "profiles"))


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistake(simulated_world, sign_in, bridge, mistake):
    """One line, in time, that names what is wrong; nothing of a secret in it."""
    way, pattern = getattr(Mistakes(sign_in), mistake)()
    b = bridge(one_pipeline(way, simulated_world.queue()), env=sign_in.environment(way))
    line = complaint(b, pattern)
    assert len(line) < 500, line
    assert_no_secret(b.log(), sign_in.secrets_now())


def assert_no_secret(text, secrets):
    shown = [secret for secret in secrets if secret in text]
    assert not shown, f"secrets were printed: {shown}"


# ---- what a service may answer ----

SERVICES = {
    "sts": "assume_role", "web": "web_identity", "anywhere": "roles_anywhere_rsa", "imds": "imds",
    "container": "container", "iot": "iot",
}
KINDS = (
    "throttle", "status", "hang", "html", "empty", "truncated", "huge_length", "wrong_types", "missing_field",
    "bad_expiration",
)


def all_services(sign_in, world):
    """A pipeline for each service that hands out keys, each with a queue and a section of its own."""
    sections, environment, pipelines, queues = {}, {}, {}, {}
    for name, way_name in SERVICES.items():
        way = sign_in.way(way_name)
        sections.update(way.others)
        sections[name] = {**way.section, "timeout": "1s"}
        environment.update(way.environment)
        queues[name] = world.queue()
        pipelines[name] = {"source": queue_settings(queues[name], name), "sink": NULL_SINK}
    return Way(None, environment, sections), pipelines, queues


@pytest.mark.parametrize("kind", KINDS)
def test_service_answers_rubbish(simulated_world, sign_in, bridge, kind):
    """Each of six services does it to its pipeline: six lines, and all work when the services do."""
    way, pipelines, queues = all_services(sign_in, simulated_world)
    sign_in.sim.control("faults", {"kind": kind, "count": -1})
    b = bridge(configuration(way, pipelines), env=sign_in.environment(way)).start(wait=False)
    for name in SERVICES:
        b.wait_log(rf' (warn|error) .*"{name}"', LIMIT_S)
    assert_no_secret(b.log(), sign_in.secrets_now())
    for queue in queues.values():
        queue.send(make_messages(5))
    assert b.stats()["acknowledged"] == 0
    sign_in.sim.control("faults/clear")
    b.wait_stats(lambda s: s["acknowledged"] >= 5 * len(SERVICES))
    b.stop()
    complaints = b.log_lines(" (warn|error) ")
    assert len(complaints) <= 4 * len(SERVICES), complaints


# ---- secrets ----


# With which tests beside this one make their tokens: they take the PIN as an argument.
TOOLS = (b"softhsm2-util", b"pkcs11-tool", b"openssl")


def command_lines():
    """What `ps` shows of every process but those of TOOLS."""
    shown = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            arguments = path.read_bytes().split(b"\0")
            if not arguments[0].endswith(TOOLS):
                shown.append(b" ".join(arguments).decode(errors="replace"))
        except OSError:
            pass
    return "\n".join(shown)


@pytest.mark.parametrize("name", WAYS)
def test_secrets_stay_secret(simulated_world, sign_in, bridge, name):
    """With debug logging, through success, refusal and rubbish: not in the log, the counters, `ps`, or print-config."""
    way = sign_in.way(name)
    queue = simulated_world.queue()
    queue.send(make_messages(10))
    config = 'log_level = "debug";\n' + one_pipeline(way, queue)
    environment = sign_in.environment(way)
    b = bridge(config, env=environment).start()
    b.wait_stats(lambda s: s["acknowledged"] >= 10)
    secrets = sign_in.secrets_now()
    assert_no_secret(command_lines(), secrets)
    provoke(b, sign_in, way, queue)
    secrets |= sign_in.secrets_now()
    b.stop()
    printed = command("print-config", b.config_path, env=environment)
    assert printed.returncode == 0, printed
    assert_no_secret(b.log() + b.stats_path(1).read_text() + printed.stdout + printed.stderr, secrets)
    assert_no_key_material(b.log() + printed.stdout)


def provoke(b, sign_in, way, queue):
    """Keys that SQS refuses, and then answers without sense from whoever hands out new ones."""
    if not way.service:
        return
    faults = [{"service": way.service, "kind": kind} for kind in ("truncated", "wrong_types", "html", "wrong_secret")]
    sign_in.sim.control("faults", faults)
    sign_in.sim.control("expire")
    queue.send(make_messages(10))
    b.wait_log(" (warn|error) ", LIMIT_S)
    b.wait(lambda: sign_in.sim.show("faults")[0]["struck"], LIMIT_S, "the first fault")


def assert_no_key_material(text):
    """Nothing that looks like a private key, a signature or an authorization header."""
    assert not re.search(r"PRIVATE KEY|Signature=[0-9a-f]{16}|Bearer |pin-value=\S", text)
    assert PIN not in text and PASSWORD not in text
