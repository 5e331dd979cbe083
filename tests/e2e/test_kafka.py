"""Kafka's own matters, with a real broker: limits of topics, topics made anew, static members."""
import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from tests.e2e.kafka import KafkaTopic, create_topic
from tests.e2e.libconfig import pipelines
from tests.e2e.messages import Verdict, make_messages
from tests.rig import wait_until

pytestmark = pytest.mark.java


def admin(kafka):
    return AdminClient({"bootstrap.servers": kafka.address()})


def make_anew(kafka, name):
    a = admin(kafka)
    a.delete_topics([name])[name].result(20)
    wait_until(lambda: name not in a.list_topics(timeout=10).topics, 20, "the topic to be gone")

    def created():
        try:
            create_topic(kafka.address(), name, 1)
        except Exception:  # what is left of the old one is still being deleted
            return False
        return True

    wait_until(created, 20, "the topic to be made anew")


def test_too_large_for_the_topic_is_known_before(real_world, bridge, kafka, folder):
    """The one that can never go is rejected alone; no batch is refused because of it."""
    source, dead = real_world.mqtt_topic(), real_world.mqtt_topic()
    a = admin(kafka)
    new = NewTopic("small-messages", 1, 1, config={"max.message.bytes": "20000"})
    a.create_topics([new])["small-messages"].result(20)
    sink = KafkaTopic(kafka, "small-messages")
    b = bridge(pipelines(p={
        "source": source.as_source(), "sink": sink.as_sink(batch_size=15000), "dead_letter": dead.as_sink(),
        "dead_letter_file": str(folder / "dead.jsonl"),
    }))
    sink.listen()
    dead.listen()
    b.start()
    source.wait_source_ready()
    b.wait_log('topic "small-messages" takes messages and batches of 20000 bytes at most')
    good, large = make_messages(300), make_messages(301, size=30000)[300:]
    source.send(good[:150] + large + good[150:])
    b.wait_stats(lambda s: s["acknowledged"] >= 301)
    assert b.log_lines("is larger than the max.message.bytes = 20000 of topic")
    assert not b.log_lines("refuses a batch")
    b.stop()
    Verdict(good, sink.rest()).assert_complete()
    assert len(dead.rest()) == 1


def test_a_topic_made_anew_stops_its_source(real_world, bridge, kafka):
    source, sink = real_world.kafka_topic(), real_world.mqtt_topic()
    sink.listen()
    b = bridge(pipelines(p={"source": source.as_source(), "sink": sink.as_sink()})).start()
    source.wait_source_ready()
    source.send(make_messages(200))
    b.wait_stats(lambda s: s["acknowledged"] >= 200)
    make_anew(kafka, source.name)
    b.wait_log(rf"error .*offset 200 of {source.name}-0 is gone", 60)
    b.stop()
    assert b.stats()["received"] == 200


def test_a_topic_made_anew_is_read_where_the_user_says_so(real_world, bridge, kafka):
    source, sink = real_world.kafka_topic(), real_world.mqtt_topic()
    sink.listen()
    b = bridge(pipelines(p={"source": source.as_source(lost_offset="reset"), "sink": sink.as_sink()})).start()
    source.wait_source_ready()
    old, new = make_messages(200), make_messages(250)[200:]
    source.send(old)
    b.wait_stats(lambda s: s["acknowledged"] >= 200)
    make_anew(kafka, source.name)
    source.send(new)
    b.wait_stats(lambda s: s["acknowledged"] >= 250)
    b.stop()
    Verdict(old + new, sink.rest()).assert_complete()


def test_a_topic_made_anew_is_written_to(real_world, bridge, kafka):
    source, sink = real_world.mqtt_topic(), real_world.kafka_topic()
    b = bridge(pipelines(p={"source": source.as_source(), "sink": sink.as_sink()})).start()
    source.wait_source_ready()
    source.send(make_messages(100))
    b.wait_stats(lambda s: s["acknowledged"] >= 100)
    make_anew(kafka, sink.name)
    source.send(make_messages(200)[100:])
    b.wait_stats(lambda s: s["acknowledged"] >= 200)
    assert b.stats()["rejected"] == 0
    b.stop()
    assert sink.high_watermark() >= 100


def test_a_static_member_keeps_its_partitions(real_world, bridge):
    """It is gone for less than session_timeout: the other member notices nothing, and gets none of its partitions."""
    source, sink = real_world.kafka_topic(partitions=4), real_world.mqtt_topic()
    sink.listen()
    members = [
        bridge(pipelines(p={
            "source": source.as_source(group_instance_id=f"member-{i}", session_timeout="20s"),
            "sink": sink.as_sink(client_id=f"out-{i}"),
        }))
        for i in range(2)
    ]
    for member in members:
        member.start()
    shared = r"2 partitions are ours now"
    for member in members:
        member.wait_log(shared, 60)
    sent = make_messages(400, lanes=16)
    source.send(sent[:200])
    sink.wait(200)
    before = len(members[0].log_lines("partitions"))
    members[1].stop()
    members[1].start()
    members[1].wait_log(shared, 60)
    source.send(sent[200:])
    sink.wait(400)
    assert len(members[0].log_lines("partitions")) == before
    for member in members:
        member.wait_stats(lambda s: s["in_flight"] == 0)
        member.stop()
    Verdict(sent, sink.rest()).assert_complete()
