"""Where messages come from and go to: real brokers, or the simulators that need no Java."""
import itertools

from tests.rig import KafkaMock

from .kafka import KafkaTopic, create_topic
from .mqtt import MqttTopic
from .sqs import SqsQueue

SLOW_MS = 500

_numbers = itertools.count(1)


class World:
    """Makes queues and topics of names of their own; closes what it made."""

    def __init__(self, folder, mosquitto):
        self.folder = folder
        self.mosquitto = mosquitto
        self.opened = []

    def end(self, kind, **more):
        return {"sqs": self.queue, "mqtt": self.mqtt_topic, "kafka": self.kafka_topic}[kind](**more)

    def mqtt_topic(self, base=None):
        return self._opened(MqttTopic(self.mosquitto, base or f"in/t{next(_numbers)}"))

    def _opened(self, end):
        self.opened.append(end)
        return end

    def close(self):
        for end in self.opened:
            if hasattr(end, "close"):
                end.close()


class RealWorld(World):
    def __init__(self, folder, mosquitto, kafka, elasticmq):
        super().__init__(folder, mosquitto)
        self.kafka, self.elasticmq = kafka, elasticmq

    def queue(self, fifo=False, **attributes):
        name = f"queue-{next(_numbers)}" + (".fifo" if fifo else "")
        return SqsQueue(self.elasticmq.endpoint(), "any", "any", name, attributes)

    def kafka_topic(self, name=None, partitions=1):
        name = name or f"topic-{next(_numbers)}"
        create_topic(self.kafka.address(), name, partitions)
        return self._opened(KafkaTopic(self.kafka, name, partitions))


class SimulatedWorld(World):
    def __init__(self, folder, mosquitto, sqs_sim):
        super().__init__(folder, mosquitto)
        self.sqs_sim = sqs_sim
        self.mocks = []

    def queue(self, fifo=False, **attributes):
        name = f"queue-{next(_numbers)}" + (".fifo" if fifo else "")
        return SqsQueue(self.sqs_sim.endpoint(), self.sqs_sim.KEY_ID, self.sqs_sim.SECRET, name, attributes)

    def kafka_topic(self, name=None, partitions=1):
        """On a mock cluster of its own."""
        name = name or f"topic-{next(_numbers)}"
        self.mocks.append(KafkaMock(self.folder / name, [f"{name}:{partitions}"]).start())
        return self._opened(KafkaTopic(self.mocks[-1], name, partitions))

    def slow_down(self, sink):
        """From now on the simulator of this sink answers what it is sent SLOW_MS later."""
        if sink.kind == "kafka":
            sink.broker.tell(f"rtt {SLOW_MS}")
        else:
            slow = {"kind": "delay", "action": "SendMessageBatch", "count": -1, "delay_ms": SLOW_MS}
            self.sqs_sim.control("faults", slow)

    def speed_up(self, sink):
        if sink.kind == "kafka":
            sink.broker.tell("rtt 0")
        else:
            self.sqs_sim.control("faults/clear")

    def close(self):
        super().close()
        for mock in self.mocks:
            mock.stop()
