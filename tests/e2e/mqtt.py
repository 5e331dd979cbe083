"""paho-mqtt as a witness: publishes numbered messages below a topic, and collects what is published there."""
import re
import threading

import paho.mqtt.client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from tests.rig import wait_until

from .headers import from_headers, to_headers
from .messages import Message
from .sqs import distinct

MARK = b"the end"


class Client:
    """A connected MQTT 5 client with a thread of its own."""

    def __init__(
        self, port, client_id="", clean=True, on_message=None, reconnect=True, manual_ack=False, expiry_s=0
    ):
        self.paho = paho.Client(
            paho.CallbackAPIVersion.VERSION2, client_id=client_id, protocol=paho.MQTTv5,
            reconnect_on_failure=reconnect, manual_ack=manual_ack,
        )
        self.paho.on_message = on_message
        self.connected, self.subscribed = threading.Event(), threading.Event()
        self.disconnects = 0
        self.paho.on_connect = lambda *_: self.connected.set()
        self.paho.on_disconnect = self._count_disconnect
        self.paho.on_subscribe = lambda *_: self.subscribed.set()
        session = Properties(PacketTypes.CONNECT)
        session.SessionExpiryInterval = expiry_s
        self.paho.connect("127.0.0.1", port, clean_start=clean, properties=session)
        self.paho.loop_start()
        assert self.connected.wait(10), "no CONNACK"

    def _count_disconnect(self, *_):
        self.disconnects += 1

    def publish(self, topic, payload, properties=None):
        return self.paho.publish(topic, payload, qos=1, properties=properties)

    def close(self):
        self.paho.disconnect()
        self.paho.loop_stop()


class MqttTopic:
    """Everything below `base`; lanes are topics: base/lane-1."""

    kind = "mqtt"

    def __init__(self, broker, base):
        self.broker, self.base = broker, base
        self.client_id = f"bridge-{base}"
        self.arrived = []
        self.listener = None
        self.publisher = None

    def as_source(self, **more):
        own = {"server": self.broker.url(), "topics": [f"{self.base}/#"], "qos": 1, "client_id": self.client_id}
        return {"type": "mqtt", **own, **more}

    def as_sink(self, **more):
        own = {"server": self.broker.url(), "topic": f"{self.base}/out", "qos": 1, "client_id": f"{self.client_id}-out"}
        return {"type": "mqtt", **own, **more}

    def wait_source_ready(self):
        """The broker keeps messages for a session only once it has subscribed."""
        wait_until(self.subscriptions, 30, f"subscription of {self.client_id}")

    def subscriptions(self):
        """How often the bridge has subscribed, by the broker's log."""
        line = re.compile(rf"{re.escape(self.client_id)} [012] {re.escape(self.base)}/#")
        return len(line.findall(self.broker.log_path.read_text(errors="replace")))

    def listen(self):
        self.mark = threading.Event()
        self.listener = Client(self.broker.port(), on_message=self._on_message)
        self.listener.paho.subscribe(f"{self.base}/#", options=SubscribeOptions(qos=1))
        assert self.listener.subscribed.wait(10), "no SUBACK"

    def _on_message(self, _client, _userdata, message):
        if message.payload == MARK:
            self.mark.set()
            return
        pairs = getattr(message.properties, "UserProperty", [])
        self.arrived.append(Message(message.payload, from_headers([(k, v.encode()) for k, v in pairs])))

    def send(self, messages):
        self.publisher = self.publisher or Client(self.broker.port())
        handed_over = [self.publisher.publish(f"{self.base}/{m.lane}", m.body, properties(m)) for m in messages]
        for info in handed_over:
            info.wait_for_publish(60)
            assert info.is_published(), "no PUBACK from the broker"
        assert self.publisher.disconnects == 0, "the witness itself may have sent twice"

    def wait(self, count, timeout_s=60):
        try:
            wait_until(lambda: distinct(list(self.arrived)) >= count, timeout_s, "messages published")
        except TimeoutError:
            pass

    def rest(self):
        """What was published before this call has arrived when a mark published now has."""
        publisher = Client(self.broker.port())
        publisher.publish(f"{self.base}/mark", MARK).wait_for_publish(10)
        publisher.close()
        assert self.mark.wait(30), "the broker does not deliver"
        return self.arrived

    def assert_drained(self):
        """Nothing waits in the bridge's session: who takes it over receives only what is published from now on."""
        waiting, mark = [], threading.Event()

        def on_message(_client, _userdata, message):
            mark.set() if message.payload == MARK else waiting.append(message.payload)

        heir = Client(self.broker.port(), client_id=self.client_id, clean=False, on_message=on_message)
        heir.publish(f"{self.base}/mark", MARK)
        assert mark.wait(30), "the session has no subscription"
        heir.close()
        assert not waiting, f"{len(waiting)} messages were left in the session"

    def close(self):
        for client in (self.listener, self.publisher):
            if client:
                client.close()


def properties(m):
    made = Properties(PacketTypes.PUBLISH)
    made.UserProperty = [(name, value.decode()) for name, value in to_headers(m.attributes, text_only=True)]
    return made
