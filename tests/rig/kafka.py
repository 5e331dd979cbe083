"""Apache Kafka, one KRaft node, with a listener for each way that a client may come in."""
import subprocess

from .java import JavaServer
from .process import StartFailed, connects

_PROPERTIES = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners={listeners},CONTROLLER://127.0.0.1:{controller}
advertised.listeners={advertised}
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL:SASL_SSL,MTLS:SSL,PROXIED:PLAINTEXT
log.dirs={folder}/data
auto.create.topics.enable=false
num.partitions=1
default.replication.factor=1
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
log.cleaner.dedupe.buffer.size=2097152
num.network.threads=2
num.io.threads=2
background.threads=2
num.recovery.threads.per.data.dir=1
controller.quorum.election.timeout.ms=200
# A restart after kill -9 waits until the old registration has timed out.
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
"""

_SECURITY = """
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.sasl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \
user_alice="alice-secret";
listener.name.sasl.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.mtls.ssl.client.auth=required
ssl.keystore.type=PEM
ssl.keystore.location={certs}/server.pem
ssl.truststore.type=PEM
ssl.truststore.location={certs}/ca.crt
"""

_LOG = """
log4j.rootLogger=INFO, out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%d{HH:mm:ss.SSS} %p %m (%c{1})%n
"""

_CLUSTER_ID = "MkU3OEVBNTcwNTJENDM2Qg"


class Kafka(JavaServer):
    """address() is plain; with certs there are address("mtls") and address("sasl") too.

    The latter is TLS with PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512, for the user alice.
    through: the port of a proxy that leads to proxied_port(); who comes in there is told to come back that way, to the
    host through_host.
    """

    ALICE = "alice-secret"
    library_name = "kafka"

    def __init__(self, folder, certs=None, through=None, through_host="127.0.0.1"):
        super().__init__(folder)
        self.certs, self.through, self.through_host = certs, through, through_host
        self.listeners = ["plain"] + (["sasl", "mtls"] if certs else []) + (["proxied"] if through else [])
        self.port_count = len(self.listeners) + 1

    def address(self, listener="plain"):
        return f"127.0.0.1:{self.ports[self.listeners.index(listener)]}"

    def proxied_port(self):
        return self.ports[self.listeners.index("proxied")]

    def configure(self):
        names = {"plain": "PLAINTEXT", "sasl": "SASL", "mtls": "MTLS", "proxied": "PROXIED"}
        where = {names[name]: self.address(name) for name in self.listeners}
        told = {**where, **({"PROXIED": f"{self.through_host}:{self.through}"} if self.through else {})}
        listeners, advertised = (",".join(f"{name}://{at}" for name, at in which.items()) for which in (where, told))
        ports = {"controller": self.ports[-1], "listeners": listeners, "advertised": advertised}
        text = _PROPERTIES.format(folder=self.folder, **ports)
        if self.certs:
            text += _SECURITY.format(certs=self.certs.folder)
        (self.folder / "server.properties").write_text(text)
        (self.folder / "log4j.properties").write_text(_LOG)
        if not (self.folder / "data" / "meta.properties").exists():
            self._format()

    def _format(self):
        """Prepares the empty data folder, users included: only here can a SCRAM user be made without a broker."""
        users = []
        for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512"):
            users += ["--add-scram", f"{mechanism}=[name=alice,password={self.ALICE}]"]
        tool = ["kafka.tools.StorageTool", "format", "-t", _CLUSTER_ID, "-c", str(self.folder / "server.properties")]
        done = subprocess.run(self.java(*tool, *users), capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            raise StartFailed(f"kafka: formatting its data folder: {done.stdout}{done.stderr}")

    def command(self):
        log = f"-Dlog4j.configuration=file:{self.folder}/log4j.properties"
        return self.java(log, "kafka.Kafka", self.folder / "server.properties")

    def ready(self):
        # The port alone opens long before the broker answers.
        return "Kafka Server started" in self.log() and connects(self.ports[0])
