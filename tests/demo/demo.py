"""The main job in one go: script/demo [--keep] [--messages N]"""
import argparse
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from pathlib import Path

from tests.rig import ROOT, KafkaMock, Mosquitto, SqsSim, spawn, wait_until

HERE = Path(__file__).resolve().parent
PROGRAM = ROOT / "build" / "release" / "sqsbridge"
QUEUES = ["readings", "alarms", "archive"]
TOPICS = ["readings:16", "audit:4"]
DEVICES = 20
DEADLINE_S = 90


class Demo:
    def __init__(self, folder, count):
        self.folder = Path(folder)
        self.count = count
        self.sim = SqsSim(self.folder / "sqs", QUEUES).start()
        self.kafka = KafkaMock(self.folder / "kafka", TOPICS).start()
        self.broker = Mosquitto(self.folder / "mqtt").start()
        self.processes = []
        self.env = {
            "FOLDER": str(self.folder),
            "QUEUES": f"{self.sim.endpoint()}/123456789012",
            "KAFKA_BOOTSTRAP": self.kafka.address(),
            "MQTT_SERVER": self.broker.url(),
            "AWS_ACCESS_KEY_ID": "AKIDSIM",
            "AWS_SECRET_ACCESS_KEY": "simsecret",
        }

    def run(self, config, *arguments):
        name = config.removesuffix(".conf")
        command = [PROGRAM, "run", HERE / config, *arguments]
        self.processes.append(spawn(command, self.folder / f"{name}.log", env=self.env))
        return self.processes[-1]

    def log(self, name):
        path = self.folder / f"{name}.log"
        return path.read_text() if path.exists() else ""

    def wait_running(self, process, name, pipelines):
        def there():
            if process.poll() is not None:
                raise RuntimeError(f"{name} ended:\n{self.log(name)}")
            return self.log(name).count(": running") >= pipelines

        wait_until(there, 30, f"the pipelines of {name}")

    def subscribe(self):
        """An MQTT client that others wrote: it prints topic, user properties and payload of each message."""
        with open(self.folder / "mqtt-cloud.txt", "wb") as out:
            port = str(self.broker.port())
            argv = ["mosquitto_sub", "-V", "5", "-h", "127.0.0.1", "-p", port, "-q", "1", "-t", "cloud/#", "-F", "%t\t%P\t%p"]
            self.processes.append(spawn(argv, self.folder / "mosquitto_sub.log", stdout=out))
        wait_until(lambda: "cloud/#" in self.broker.log(), 10, "the subscription")

    def queue(self, name):
        with urllib.request.urlopen(f"{self.sim.endpoint()}/_sim/queues/{name}", timeout=10) as answer:
            return json.load(answer)

    def stop(self):
        for process in reversed(self.processes):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
        for server in (self.sim, self.kafka, self.broker):
            server.stop()


# ---- what is sent ----

def write_messages(path, kind, count):
    with open(path, "w") as out:
        for i in range(count):
            reading = {"id": f"{kind}-{i}", "celsius": round(20 + i % 50 / 10, 1), "unit": "°C"}
            attributes = {"device": f"{kind}-sensor-{i % DEVICES}", "sequence": {"type": "Number", "value": str(i)}}
            body = json.dumps(reading, ensure_ascii=False)
            out.write(json.dumps({"body": body, "attributes": attributes}, ensure_ascii=False) + "\n")


# ---- what arrived ----

def ids_in_jsonl(path):
    if not path.exists():
        return Counter()
    lines = path.read_text().splitlines(keepends=True)
    return Counter(json.loads(json.loads(line)["body"])["id"] for line in lines if line.endswith("\n"))


def ids_in_mqtt(path):
    lines = path.read_text().splitlines(keepends=True)
    return Counter(json.loads(line.split("\t")[2])["id"] for line in lines if line.endswith("\n"))


def ids_in_queue(demo, name):
    return Counter(json.loads(m["body"])["id"] for m in demo.queue(name)["messages"])


def arrivals(demo):
    """Per station: the kind that belongs there, and how often each id has arrived."""
    return {
        "mqtt -> sqs -> kafka": ("reading", ids_in_jsonl(demo.folder / "kafka-readings.jsonl")),
        "kafka -> mqtt": ("reading", ids_in_mqtt(demo.folder / "mqtt-cloud.txt")),
        "sqs -> two sinks: kafka": ("alarm", ids_in_jsonl(demo.folder / "kafka-audit.jsonl")),
        "sqs -> two sinks: sqs": ("alarm", ids_in_queue(demo, "archive")),
    }


def counters(path):
    """The newest counters of each pipeline."""
    newest = {}
    for line in path.read_text().splitlines() if path.exists() else []:
        if line.endswith("}"):
            report = json.loads(line)
            newest[report["pipeline"]] = report
    return newest


def show_counts(path):
    newest = counters(path)
    words = [f"{name} {c['acknowledged']:,} ({c['in_flight']} in flight)" for name, c in newest.items()]
    text = "  " + "   ".join(words)
    print(f"\r\x1b[K{text}" if sys.stdout.isatty() else text, end="" if sys.stdout.isatty() else "\n", flush=True)


def wait_for_all(demo, sent, stats):
    """Live counts until everything has arrived, or time is over. The seconds at which each station was complete."""
    began, complete = time.monotonic(), {}
    while len(complete) < 4 and time.monotonic() - began < DEADLINE_S:
        time.sleep(0.5)  # between two lines of the display
        show_counts(stats)
        for station, (kind, ids) in arrivals(demo).items():
            if len(ids) == sent[kind]:
                complete.setdefault(station, time.monotonic() - began)
    print()
    return complete


def drained(demo, stats):
    newest = counters(stats)
    left = sum(demo.queue(name)["ready"] + demo.queue(name)["in_flight"] for name in ("readings", "alarms"))
    return len(newest) == 4 and not left and not any(c["in_flight"] for c in newest.values())


# ---- the verdict ----

def print_table(demo, sent, complete):
    ok = True
    print(f"\n{'way':26} {'sent':>7} {'arrived':>8} {'missing':>8} {'repeated':>9} {'seconds':>8}")
    for station, (kind, ids) in arrivals(demo).items():
        missing = sent[kind] - len(ids)
        repeated = sum(ids.values()) - len(ids)
        seconds = f"{complete[station]:.1f}" if station in complete else "-"
        print(f"{station:26} {sent[kind]:>7,} {len(ids):>8,} {missing:>8,} {repeated:>9,} {seconds:>8}")
        ok = ok and not missing and not repeated
    return ok


def print_stations(demo):
    """One message as each station holds it."""
    device = json.loads((demo.folder / "readings.jsonl").open().readline())
    kafka = json.loads((demo.folder / "kafka-readings.jsonl").open().readline())
    topic, properties, payload = (demo.folder / "mqtt-cloud.txt").open().readline().rstrip("\n").split("\t")
    archived = demo.queue("archive")["messages"][0]
    print("\none message at each station")
    print(f"  a device:    body {device['body']}\n               attributes {json.dumps(device['attributes'])}")
    print(f"  in Kafka:    body {kafka['body']}\n               key {kafka['key']}, attributes {json.dumps(kafka['attributes'])}")
    print(f"  in MQTT:     body {payload}\n               topic {topic}, user properties {properties}")
    print(f"  in SQS:      body {archived['body']}\n               attributes {json.dumps(archived['attributes'])}")


def print_how_to_look_around(demo):
    print(f"""
everything is still running; press Ctrl-C to end it
  the bridge's configuration:  {HERE / 'demo.conf'}
  its log and counters:        {demo.folder}/demo.log, stats.jsonl
  SQS (simulator):             {demo.sim.endpoint()}   e.g. curl {demo.sim.endpoint()}/_sim/queues/archive
  MQTT (Mosquitto):            {demo.broker.url()}   e.g. mosquitto_sub -V 5 -p {demo.broker.port()} -t '#' -v
  Kafka (mock cluster):        {demo.kafka.address()}
  publish a reading:           mosquitto_pub -V 5 -p {demo.broker.port()} -q 1 -t plant/me -m hello -D publish user-property device me""")
    try:
        signal.pause()
    except KeyboardInterrupt:
        print("\nending")


def play(demo, keep):
    sent = {"reading": demo.count, "alarm": max(1, demo.count // 10)}
    stats = demo.folder / "stats.jsonl"
    write_messages(demo.folder / "readings.jsonl", "reading", sent["reading"])
    write_messages(demo.folder / "alarms.jsonl", "alarm", sent["alarm"])
    demo.subscribe()
    bridge = demo.run("demo.conf", "--stats-file", stats, "--stats-interval", "200ms")
    watch = demo.run("watch.conf")
    demo.wait_running(bridge, "demo", 4)
    demo.wait_running(watch, "watch", 2)
    print("one bridge, four pipelines; what each of them guarantees:")
    for line in demo.log("demo").splitlines():
        if "-once" in line:
            print("  " + line.split(" info  ")[-1])
    print(f"\nsending {sent['reading']:,} readings by MQTT and {sent['alarm']:,} alarms by SQS; acknowledged so far:")
    demo.run("around.conf")
    complete = wait_for_all(demo, sent, stats)
    wait_until(lambda: drained(demo, stats), 20, "empty queues")
    ok = print_table(demo, sent, complete)
    print_stations(demo)
    if keep:
        print_how_to_look_around(demo)
    return ok


def main():
    p = argparse.ArgumentParser(prog="script/demo", description=__doc__)
    p.add_argument("--keep", action="store_true", help="leave it up, and say how to look around")
    p.add_argument("--messages", type=int, default=3000)
    options = p.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    folder = tempfile.mkdtemp(prefix="sqsbridge-demo-")
    demo = Demo(folder, options.messages)
    try:
        ok = play(demo, options.keep)
    except (RuntimeError, TimeoutError) as e:
        print(f"script/demo: {e}\nthe bridge's log:\n{demo.log('demo')[-3000:]}", file=sys.stderr)
        ok = False
    finally:
        demo.stop()
        shutil.rmtree(folder, ignore_errors=True)
    print("\nevery message arrived, once" if ok else "\nsomething is missing or repeated")
    sys.exit(0 if ok else 1)


if __name__ == "__main__":
    main()
