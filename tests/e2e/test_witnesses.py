"""The tests' own tools: witnesses lose nothing themselves, and the verdict sees what it must see."""
import socket

import pytest

from tests.e2e.messages import Message, Verdict, make_messages
from tests.e2e.outage import Proxy
from tests.rig.mosquitto import CONNACK, CONNECT


@pytest.mark.parametrize("kind", ("sqs", "mqtt", "kafka"))
def test_witness_brings_back_what_it_sent(world, kind):
    end = world.end(kind)
    sent = make_messages(300)
    end.listen()
    end.send(sent)
    end.wait(len(sent))
    verdict = Verdict(sent, end.rest())
    verdict.assert_complete()
    if kind != "sqs":
        verdict.assert_ordered()


def test_fifo_queue_keeps_groups_in_order(world):
    queue = world.queue(fifo=True)
    sent = make_messages(100)
    queue.send(sent)
    queue.wait(len(sent))
    verdict = Verdict(sent, queue.rest())
    verdict.assert_complete()
    verdict.assert_ordered()
    queue.assert_drained()


def test_verdict_sees_loss_repeats_damage_and_disorder():
    sent = make_messages(20, lanes=2)
    assert Verdict(sent, sent[:7] + sent[8:]).missing == [7]
    assert Verdict(sent, sent + sent[:3]).repeated == 3
    assert len(Verdict(sent, [Message(sent[0].body + b"!", sent[0].attributes)]).corrupt) == 1
    assert len(Verdict(sent, [Message(sent[0].body, {})]).changed) == 1
    assert Verdict(sent, make_messages(21)[20:]).strange == [20]
    assert Verdict(sent, [sent[2], sent[1], sent[0]]).disordered == [(2, 0)]
    assert not Verdict(sent, sent + sent[:5]).disordered
    for wrong in (sent[1:], sent + sent[:1]):
        with pytest.raises(AssertionError):
            Verdict(sent, wrong).assert_complete()


def test_proxy_breaks_connections_and_mends(mosquitto):
    proxy = Proxy(mosquitto.port())
    with socket.create_connection(("127.0.0.1", proxy.port), 5) as s:
        s.sendall(CONNECT)
        assert s.recv(4) == CONNACK
        proxy.down()
        assert s.recv(4) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", proxy.port), 5)
    proxy.up()
    with socket.create_connection(("127.0.0.1", proxy.port), 5) as s:
        s.sendall(CONNECT)
        assert s.recv(4) == CONNACK
    proxy.down()
