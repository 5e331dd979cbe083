"""What goes wrong on the far side is said once, clearly; it is tried again; nothing is acknowledged or crashes."""
import re
import subprocess

import pytest

from tests.e2e.bridge import binary, command
from tests.e2e.libconfig import pipelines
from tests.e2e.messages import make_messages
from tests.rig import free_ports


def nobody():
    """A port where nobody listens."""
    return free_ports(1)[0]


def assert_said_clearly(b, pattern, watch_ms=2500):
    """The line comes, and does not come again and again; the bridge goes on trying and acknowledges nothing."""
    b.start(wait=False)
    line = b.wait_log(pattern)
    assert re.search(r" (warn|error) ", line), line
    began = b.wait_stats(lambda s: s["time_ms"])["time_ms"]
    stats = b.wait_stats(lambda s: s["time_ms"] - began > watch_ms)
    assert stats["acknowledged"] == 0
    assert len(b.log_lines(pattern)) <= 3, "the same complaint over and over"
    b.stop()


def source_of(kind, **settings):
    return pipelines(p={"source": {"type": kind, **settings}, "sink": {"type": "file", "path": "/dev/null"}})


def into(source, sink):
    return pipelines(p={"source": source, "sink": sink})


SQS = {"region": "us-east-1", "access_key_id": "a", "secret_access_key": "b"}


@pytest.mark.parametrize("kind, settings", (
    ("sqs", {"queue_url": "http://127.0.0.1:{port}/000000000000/q", **SQS}),
    ("mqtt", {"server": "mqtt://127.0.0.1:{port}", "topics": ["a/#"], "client_id": "c"}),
    ("kafka", {"bootstrap_servers": "127.0.0.1:{port}", "topics": ["t"], "group_id": "g"}),
))
def test_source_not_there(bridge, kind, settings):
    port = nobody()
    settings = {k: v.replace("{port}", str(port)) if isinstance(v, str) else v for k, v in settings.items()}
    assert_said_clearly(bridge(source_of(kind, **settings)), f"127.0.0.1:{port}.*(?i:refused)")


@pytest.mark.parametrize("kind, settings", (
    ("sqs", {"queue_url": "http://127.0.0.1:{port}/000000000000/q", **SQS}),
    ("mqtt", {"server": "mqtt://127.0.0.1:{port}", "topic": "a", "client_id": "c"}),
    ("kafka", {"bootstrap_servers": "127.0.0.1:{port}", "topic": "t"}),
))
def test_sink_not_there(simulated_world, bridge, kind, settings):
    """The source keeps everything, and its messages are not even received again and again."""
    port = nobody()
    source = simulated_world.queue()
    source.send(make_messages(20))
    settings = {k: v.replace("{port}", str(port)) for k, v in settings.items()}
    b = bridge(into(source.as_source(visibility_timeout="5s"), {"type": kind, **settings}))
    assert_said_clearly(b, f"127.0.0.1:{port}.*(?i:refused)")
    assert source.depth() == 20


@pytest.mark.parametrize("side", ("source", "sink"))
def test_queue_does_not_exist(simulated_world, bridge, side):
    queue = simulated_world.queue()
    wrong = {"queue_url": queue.url + "-nowhere"}
    if side == "source":
        b = bridge(into(queue.as_source(**wrong), {"type": "file", "path": "/dev/null"}))
    else:
        other = simulated_world.queue()
        other.send(make_messages(5))
        b = bridge(into(other.as_source(), queue.as_sink(**wrong)))
    assert_said_clearly(b, "nowhere.*does not exist")


def test_wrong_secret_key(simulated_world, bridge):
    queue = simulated_world.queue()
    b = bridge(into(queue.as_source(secret_access_key="wrong"), {"type": "file", "path": "/dev/null"}))
    assert_said_clearly(b, "(?i)signature")


def test_unknown_access_key(simulated_world, bridge):
    queue = simulated_world.queue()
    b = bridge(into(queue.as_source(access_key_id="AKIANOBODY"), {"type": "file", "path": "/dev/null"}))
    assert_said_clearly(b, "(?i)security token|access key|credentials")


def mqtt_source(mosquitto, listener, **more):
    settings = {"server": mosquitto.url(listener), "topics": ["in/#"], "client_id": "errors", **more}
    return source_of("mqtt", **settings)


def test_mqtt_wrong_password(mosquitto, bridge):
    b = bridge(mqtt_source(mosquitto, "password", username="alice", password="wrong"))
    assert_said_clearly(b, "(?i)not authori[sz]ed|user ?name or password")


def test_mqtt_publish_not_allowed(simulated_world, mosquitto, bridge):
    """Mosquitto refuses, and hangs up: no retry mends that, and here is no dead-letter sink to take the message."""
    source = simulated_world.queue()
    source.send(make_messages(5))
    sink = {"type": "mqtt", "server": mosquitto.url("password"), "topic": "out/x", "client_id": "errors-out",
            "username": "reader", "password": mosquitto.READER}
    b = bridge(into(source.as_source(visibility_timeout="5s"), sink))
    assert_said_clearly(b, "(?i)not authori[sz]ed")
    assert source.depth() == 5


@pytest.mark.java
@pytest.mark.parametrize("side", ("source", "sink"))
def test_kafka_topic_does_not_exist(real_world, bridge, side):
    address = real_world.kafka.address()
    if side == "source":
        b = bridge(source_of("kafka", bootstrap_servers=address, topics=["nowhere"], group_id="nowhere"))
    else:
        queue = real_world.queue()
        queue.send(make_messages(5))
        sink = {"type": "kafka", "bootstrap_servers": address, "topic": "nowhere"}
        b = bridge(into(queue.as_source(visibility_timeout="5s"), sink))
    assert_said_clearly(b, "nowhere.*(?i:unknown topic|does not exist)")


# What lint must say: a piece of the configuration, and what the complaint has to name.
GOOD = 'source = { type = "file"; path = "-"; }; sink = { type = "file"; path = "-"; };'
BAD = {
    "unknown option": ('source = { type = "file"; path = "-"; }; sink = { type = "file"; pathh = "-"; };',
                       "pathh.*path"),
    "unknown type": ('source = { type = "kafak"; }; sink = { type = "file"; path = "-"; };', "kafak.*kafka"),
    "no sink": ('source = { type = "file"; path = "-"; };', "sink"),
    "no source": ('sink = { type = "file"; path = "-"; };', "source"),
    "wrong type": (GOOD + ' max_in_flight = "many";', "max_in_flight.*many"),
    "beyond its bounds": (GOOD + " max_in_flight = 0;", "max_in_flight.*0"),
    "beyond its type": (GOOD + " max_in_flight = 4294967297;", "4294967297"),
    "no unit": (GOOD + ' drain_timeout = "30 parsecs";', "drain_timeout.*parsecs"),
    "unset variable": (GOOD + ' drain_timeout = "${NOT_SET_AT_ALL}";', "NOT_SET_AT_ALL"),
    "required option": ('source = { type = "sqs"; }; sink = { type = "file"; path = "-"; };', "queue_url"),
    "unreadable file": ('source = { type = "mqtt"; server = "mqtts://127.0.0.1:8883"; topics = ["a"]; client_id = "c"; '
                        'tls_ca = "/nowhere/ca.crt"; }; sink = { type = "file"; path = "-"; };', "/nowhere/ca.crt"),
    "guarantee": ('source = { type = "mqtt"; server = "mqtt://127.0.0.1"; topics = ["a"]; client_id = "c"; qos = 0; }; '
                  'sink = { type = "file"; path = "-"; }; require = ["at-least-once"];', "at-least-once"),
    "kafka property that guarantees rest on": (
        'source = { type = "file"; path = "-"; }; sink = { type = "kafka"; bootstrap_servers = "127.0.0.1:1"; '
        'topic = "t"; properties = ["acks=0"]; };', "acks"),
    "kafka property unknown": (
        'source = { type = "file"; path = "-"; }; sink = { type = "kafka"; bootstrap_servers = "127.0.0.1:1"; '
        'topic = "t"; properties = ["linger.mss=5"]; };', "linger.mss"),
    "syntax": ("source = {", "bad.conf:"),
}


@pytest.mark.parametrize("verb", ("lint", "run"))
@pytest.mark.parametrize("what", BAD)
def test_bad_configuration(folder, what, verb):
    """One line with file, line, and what is wrong; run refuses to start, with sysexits' EX_CONFIG."""
    text, complaint = BAD[what]
    path = folder / "bad.conf"
    path.write_text("pipelines = {\n  p = {\n" + text + "\n  };\n};\n")
    done = command(verb, path)
    assert done.returncode == 78, done
    lines = [line for line in done.stderr.splitlines() + done.stdout.splitlines() if re.search(complaint, line)]
    assert lines and re.search(r"bad\.conf:\d+: ", lines[0]), done


def test_lint_says_all_errors_in_one_run(folder):
    path = folder / "bad.conf"
    bad = ["max_in_flihgt = 1;", 'retry_delay = "soon";', "workers = 0;"]
    path.write_text("\n".join(["pipelines = {", "p = {", GOOD, *bad, "};", "};", ""]))
    done = command("lint", path)
    assert done.returncode == 78
    for line, name in ((4, "max_in_flihgt"), (5, "retry_delay"), (6, "workers")):
        assert re.search(rf"bad\.conf:{line}: .*{name}", done.stdout + done.stderr), done


def test_file_that_is_not_there():
    done = command("run", "/nowhere/at-all.conf")
    assert done.returncode == 66 and "/nowhere/at-all.conf" in done.stderr, done


def test_secrets_are_not_printed(folder):
    path = folder / "secret.conf"
    settings = {**SQS, "queue_url": "http://127.0.0.1:1/0/q", "secret_access_key": "sesame-opens"}
    path.write_text(source_of("sqs", **settings))
    done = command("print-config", path)
    assert done.returncode == 0, done
    assert "sesame" not in done.stdout + done.stderr and "queue_url" in done.stdout


def test_too_few_open_files_for_all_pipelines_are_said(folder):
    source = {"type": "mqtt", "server": "mqtt://127.0.0.1:1", "topics": ["x"]}
    named = {f"p{i}": {"source": {**source, "client_id": f"p{i}"}, "sink": {"type": "file"}} for i in range(20)}
    path = folder / "many.conf"
    path.write_text(pipelines(**named))
    limited = ["prlimit", "--nofile=40", binary(), "run", path]
    done = subprocess.run(limited, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0 and "starting an event loop: too many open files" in done.stderr, done.stderr[-2000:]
