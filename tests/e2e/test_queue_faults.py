"""What verbs do when SQS fails, lies or is away; and what scripts see of it: exit codes, entries, complaints."""
import json

import pytest

from tests.e2e.queue_verbs import CONFIG, DATA, NO_INPUT, NOT_ALLOWED, OK, PARTLY, UNAVAILABLE, USAGE, counts, received
from tests.rig import SqsSim, free_ports


def test_failed_entries_are_tried_again(strict, faults):
    url = strict.queue()
    faults(kind="partial", action="SendMessageBatch", **{"from": 1, "upto": 3}, code="InternalError", message="busy", sender_fault=False)
    answer = strict.json("send-batch", url, "a", "b", "c", "d")
    assert len(answer["Successful"]) == 4 and len({e["MessageId"] for e in answer["Successful"]}) == 4
    assert sorted(m["Body"] for m in received(strict, url, 4)) == ["a", "b", "c", "d"]


def test_the_sender_fault_is_final(strict, faults):
    url = strict.queue()
    faults(kind="partial", action="SendMessageBatch", **{"from": 0, "upto": 1}, code="InvalidMessageContents", message="no",
           sender_fault=True)
    done = strict.run("send-batch", url, "a", "b", "--json")
    assert done.code == PARTLY
    answer = json.loads(done.out)
    assert answer["Failed"] == [{"Id": "1", "SenderFault": True, "Code": "InvalidMessageContents", "Message": "no"}]
    assert [m["Body"] for m in received(strict, url, 1)] == ["b"]


def test_a_batch_that_never_gets_better(strict, faults):
    url = strict.queue()
    faults(kind="partial", action="DeleteMessageBatch", **{"from": 0, "upto": 10}, code="InternalError", message="busy",
           sender_fault=False, count=-1)
    done = strict.run("delete-batch", url, *strict.handles(url, 2), "--json")
    assert done.code == UNAVAILABLE and len(json.loads(done.out)["Failed"]) == 2


def test_fifo_order_before_completeness(strict, faults):
    """An entry that failed while a later one of its group arrived is not sent again."""
    url = strict.queue(".fifo")
    faults(kind="partial", action="SendMessageBatch", **{"from": 0, "upto": 1}, code="InternalError", message="busy", sender_fault=False)
    lines = [{"body": str(i), "group": "g", "deduplication_id": str(i)} for i in range(3)]
    done = strict.run("send-batch", url, "--json", stdin="".join(json.dumps(line) + "\n" for line in lines))
    assert done.code == PARTLY
    assert [e["Id"] for e in json.loads(done.out)["Failed"]] == ["1"]
    assert [m["Body"] for m in received(strict, url, 2)] == ["1", "2"]


def test_nothing_is_sent_after_a_failure_on_fifo(strict, faults):
    """Who mends the cause can go on where it stopped, in order."""
    url = strict.queue(".fifo")
    faults(kind="partial", action="SendMessageBatch", **{"from": 9, "upto": 10}, code="InvalidMessageContents", message="no",
           sender_fault=True)
    lines = [{"body": str(i), "group": "g", "deduplication_id": str(i)} for i in range(35)]
    done = strict.run("send-batch", url, "--json", stdin="".join(json.dumps(line) + "\n" for line in lines))
    assert done.code == PARTLY and "nothing more" in done.err
    answer = json.loads(done.out)
    assert len(answer["Successful"]) == 9 and [e["Id"] for e in answer["Failed"]] == ["10"]
    assert counts(strict, url)[0] == 9


@pytest.mark.parametrize("verb", (["send-batch", "Q"], ["delete-batch", "Q"], ["visibility-batch", "Q", 0]))
def test_stops_where_requests_fail_as_a_whole(strict, faults, verb):
    url = strict.queue()
    before = strict.calls()
    faults(kind="status", status=403, code="AccessDeniedException", message="no", count=-1)
    line = json.dumps({"body": "x"}) if verb[0] == "send-batch" else "handle"
    done = strict.run(*[url if w == "Q" else w for w in verb], "--json", stdin=f"{line}\n" * 50)
    assert done.code == NOT_ALLOWED and len(json.loads(done.out)["Failed"]) == 10
    assert strict.calls() - before <= 1


def test_throttled(strict, faults):
    url = strict.queue()
    faults(kind="throttle", action="SendMessage", count=1)
    assert strict.json("send", url, "x")["MessageId"]
    faults(kind="throttle", action="GetQueueAttributes", count=-1)
    assert "Throttl" in strict.refused(UNAVAILABLE, "attributes", url)


def test_lost_answers(strict, faults):
    """What was executed is not executed twice where SQS can tell: the request that is sent again is the same one."""
    url = strict.queue(".fifo")
    faults(kind="cut_after", action="SendMessage")
    strict.json("send", url, "x", "--group", "g", "--deduplication-id", "d")
    assert counts(strict, url) == (1, 0)
    faults(kind="cut_after", action="ReceiveMessage")
    assert len(strict.json("receive", url, "--visibility-timeout", 60)["Messages"]) == 1
    name = strict.name()
    faults(kind="cut_after", action="CreateQueue")
    assert strict.json("create", name, "--delay-seconds", 3)["QueueUrl"].endswith(name)
    faults(kind="cut_mid", action="ListQueues")
    assert strict.json("list", "--prefix", name)["QueueUrls"]
    faults(kind="garbage", action="GetQueueAttributes")
    assert strict.json("attributes", name)["Attributes"]["DelaySeconds"] == "3"


def test_pages_of_proxies_and_expired_keys(strict, faults):
    url = strict.queue()
    faults(kind="status", action="GetQueueAttributes", status=503, html="<html>busy</html>", count=-1)
    assert "ServiceUnavailable" in strict.refused(UNAVAILABLE, "attributes", url)
    faults(kind="expired_token", action="SendMessage", count=-1)
    assert "ExpiredToken" in strict.refused(NOT_ALLOWED, "send", url, "x")
    faults(kind="date_skew", date_skew_s=3600, action="ListQueues", count=-1)
    done = strict.run("list")
    assert done.code == OK and "clock" in done.err


def test_wrong_md5_of_what_was_sent(strict, faults):
    url = strict.queue()
    faults(kind="wrong_md5", action="SendMessage")
    assert "MD5" in strict.refused(DATA, "send", url, "x")
    faults(kind="wrong_md5", action="SendMessageBatch")
    done = strict.run("send-batch", url, "a", "--json")
    assert done.code == DATA and json.loads(done.out)["Failed"][0]["Code"] == "WrongMD5"


def test_wrong_md5_of_what_came(strict, faults):
    url = strict.queue()
    strict.boto.send_message(QueueUrl=url, MessageBody="x", MessageAttributes={"a": {"DataType": "String", "StringValue": "v"}})
    faults(kind="wrong_md5", action="ReceiveMessage")
    done = strict.run("receive", url, "--json", "--visibility-timeout", 0)
    assert done.code == PARTLY and "not received" in done.err and json.loads(done.out) == {"Messages": []}
    faults(kind="wrong_attribute_md5", action="ReceiveMessage")
    done = strict.run("receive", url, "--json")
    assert done.code == OK and "MD5 of its attributes" in done.err and len(json.loads(done.out)["Messages"]) == 1


def test_exit_codes(strict):
    url = strict.queue()
    assert "QueueDoesNotExist" in strict.refused(NO_INPUT, "attributes", "nobody-has-this")
    said = strict.refused(NO_INPUT, "purge", url + "x", "--yes")
    assert "QueueDoesNotExist" in said and "request" in said and "create the queue" in said
    port = free_ports(1)[0]
    assert "refused" in strict.refused(UNAVAILABLE, "list", "--endpoint-url", f"http://127.0.0.1:{port}")
    assert "InvalidSignature" in strict.refused(NOT_ALLOWED, "list", env={"AWS_SECRET_ACCESS_KEY": "wrong"})
    assert "AWS_REGION" in strict.refused(CONFIG, "list", env={"AWS_REGION": ""})
    assert "A queue already exists" in strict.refused(DATA, "create", url.rpartition("/")[2], "--delay-seconds", 9)
    assert strict.run("list", "--access-key-id", SqsSim.KEY_ID, "--secret-access-key", SqsSim.SECRET,
                      env={"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}).code == OK


def test_credentials_of_a_section(strict, folder):
    config = folder / "keys.conf"
    config.write_text(
        'credentials = { lab = { provider = "static"; access_key_id = "%s"; secret_access_key = "%s"; }; };\n'
        % (SqsSim.KEY_ID, SqsSim.SECRET))
    none = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
    assert strict.run("list", "--config", config, "--credentials", "lab", env=none).code == OK
    assert "credentials.other" in strict.refused(CONFIG, "list", "--config", config, "--credentials", "other", env=none)
    assert "together" in strict.refused(USAGE, "list", "--config", config)
    secret = folder / "secret"
    secret.write_text(SqsSim.SECRET + "\n")
    assert strict.run("list", "--access-key-id", SqsSim.KEY_ID, "--secret-access-key-file", secret, env=none).code == OK
