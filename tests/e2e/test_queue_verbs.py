"""`sqsbridge queue ...` against the strict simulator and ElasticMQ, with boto3 on the other side: it sees what the verbs did,
and they see what it did.

ElasticMQ lacks: FIFO scopes and limits, encryption, policies and the redrive allow policy (it ignores them), permissions (it
says yes and keeps none), paging of lists, signatures, request ids, the minute between purges, faults; it forgets a move task that
was cancelled, and does not answer where the source is no dead-letter queue. Those are shown by the simulator alone.
"""
import base64
import json

import pytest

from tests.e2e.queue_verbs import DATA, NO_INPUT, OK, PARTLY, UNAVAILABLE, USAGE, Far, counts, received, with_dead_letters

TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"
TRACE_MD5 = "5f48eef650c1d0207456969c85af2fdd"
RAW = bytes(range(256))


# ---- queues ----


def test_create_standard(far):
    name = far.name()
    url = far.json(
        "create", name, "--delay-seconds", 5, "--message-retention-period", "1h", "--receive-message-wait-time", 3,
        "--visibility-timeout", "2m", "--tag", "team=a", "--tag", "empty=",
    )["QueueUrl"]
    assert url == far.boto.get_queue_url(QueueName=name)["QueueUrl"]
    found = far.attributes(url)
    assert found["DelaySeconds"] == "5" and found["ReceiveMessageWaitTimeSeconds"] == "3"
    assert found["VisibilityTimeout"] == "120"
    assert not far.strict or found["MessageRetentionPeriod"] == "3600"
    assert far.boto.list_queue_tags(QueueUrl=url)["Tags"] == {"team": "a", "empty": ""}
    assert far.run("create", far.name()).out.startswith(far.endpoint)


def test_create_fifo(far):
    url = far.json("create", far.name(".fifo"), "--content-based-deduplication")["QueueUrl"]
    found = far.attributes(url)
    assert found["FifoQueue"] == "true" and found["ContentBasedDeduplication"] == "true"


def test_create_everything(strict):
    dead = strict.queue(".fifo")
    url = strict.json(
        "create", strict.name(".fifo"), "--fifo", "--deduplication-scope", "messageGroup", "--fifo-throughput-limit",
        "perMessageGroupId", "--maximum-message-size", "256KiB", "--kms-key", "alias/k", "--kms-data-key-reuse-period", 60,
        "--dead-letter-queue", dead, "--redrive-allow", "denyAll", "--policy", '{"Version": "2012-10-17", "Statement": []}',
    )["QueueUrl"]
    found = strict.attributes(url)
    assert found["DeduplicationScope"] == "messageGroup" and found["FifoThroughputLimit"] == "perMessageGroupId"
    assert found["MaximumMessageSize"] == "262144"
    assert found["KmsMasterKeyId"] == "alias/k" and found["KmsDataKeyReusePeriodSeconds"] == "60"
    assert found["SqsManagedSseEnabled"] == "false"
    assert json.loads(found["RedrivePolicy"]) == {"deadLetterTargetArn": strict.arn(dead), "maxReceiveCount": 10}
    assert json.loads(found["RedriveAllowPolicy"]) == {"redrivePermission": "denyAll"}
    assert json.loads(found["Policy"])["Version"] == "2012-10-17"


def test_set(far, folder):
    url, dead = far.queue(), far.queue()
    assert far.json("set", url, "--visibility-timeout", "10m", "--dead-letter-queue", far.arn(dead), "--max-receive-count", 3) == {}
    found = far.attributes(url)
    assert found["VisibilityTimeout"] == "600"
    assert json.loads(found["RedrivePolicy"]) == {"deadLetterTargetArn": far.arn(dead), "maxReceiveCount": 3}
    if far.strict:
        policy = folder / "policy.json"
        policy.write_text('{"Version": "2012-10-17"}')
        far.json("set", url, "--policy", f"@{policy}", "--sse-sqs=false", "--dead-letter-queue", "")
        found = far.attributes(url)
        assert found["Policy"] == policy.read_text() and found["SqsManagedSseEnabled"] == "false"
        assert "RedrivePolicy" not in found


def test_attributes(far):
    url = far.queue(VisibilityTimeout="77", DelaySeconds="1")
    assert far.json("attributes", url)["Attributes"] == far.attributes(url)
    assert far.json("attributes", url, "VisibilityTimeout", "DelaySeconds")["Attributes"] == {
        "VisibilityTimeout": "77", "DelaySeconds": "1"}
    rows = [line.split(maxsplit=1) for line in far.run("attributes", url).out.splitlines()]
    assert ["VisibilityTimeout", "77"] in rows
    assert len({line.index(row[1], len(row[0])) for line, row in zip(far.run("attributes", url).out.splitlines(), rows)}) == 1


def test_list_and_url(far):
    name = far.name()
    urls = sorted(far.boto.create_queue(QueueName=f"{name}-{i}")["QueueUrl"] for i in range(3))
    assert sorted(far.json("list", "--prefix", name)["QueueUrls"]) == urls
    assert sorted(far.run("list", "--prefix", name).out.split()) == urls
    assert far.json("list", "--prefix", "nobody-has-this").get("QueueUrls", []) == []
    assert far.run("url", f"{name}-1").out.strip() == urls[1]
    assert far.json("url", f"{name}-1", "--account", far.account)["QueueUrl"] == urls[1]


def test_list_in_pages(strict):
    name = strict.name()
    urls = sorted(strict.boto.create_queue(QueueName=f"{name}-{i}")["QueueUrl"] for i in range(5))
    first = strict.json("list", "--prefix", name, "--max-results", 2)
    assert len(first["QueueUrls"]) == 2
    second = strict.json("list", "--prefix", name, "--max-results", 2, "--next-token", first["NextToken"])
    assert not set(first["QueueUrls"]) & set(second["QueueUrls"])
    everything = strict.json("list", "--prefix", name, "--max-results", 2, "--all")
    assert sorted(everything["QueueUrls"]) == urls and "NextToken" not in everything
    assert "--next-token" in strict.run("list", "--prefix", name, "--max-results", 2).err
    assert "--max-results" in strict.refused(USAGE, "list", "--next-token", "x")


def test_delete(far):
    url = far.queue()
    assert "--yes" in far.refused(USAGE, "delete", url)
    assert url in far.boto.list_queues()["QueueUrls"]
    assert far.json("delete", url, "--yes") == {}
    assert url not in far.boto.list_queues().get("QueueUrls", [])
    far.refused(NO_INPUT, "attributes", url)


def test_purge(far):
    url = far.queue()
    for i in range(3):
        far.boto.send_message(QueueUrl=url, MessageBody=str(i))
    assert "--yes" in far.refused(USAGE, "purge", url)
    far.json("purge", url, "--yes")
    assert far.attributes(url)["ApproximateNumberOfMessages"] == "0"
    if far.strict:
        assert "PurgeQueueInProgress" in far.refused(UNAVAILABLE, "purge", url, "--yes")


def test_tags(far):
    url = far.queue()
    far.json("tag", url, "a=1", "b=x=y")
    assert far.boto.list_queue_tags(QueueUrl=url)["Tags"] == {"a": "1", "b": "x=y"}
    far.boto.tag_queue(QueueUrl=url, Tags={"c": "3"})
    assert far.json("tags", url)["Tags"] == {"a": "1", "b": "x=y", "c": "3"}
    far.json("untag", url, "a", "c")
    assert far.boto.list_queue_tags(QueueUrl=url)["Tags"] == {"b": "x=y"}
    assert far.run("tags", url).out == "b  x=y\n"


def test_permissions(strict):
    url = strict.queue()
    strict.json("permit", url, "label", "--to", "111111111111", "--action", "SendMessage")
    statement = json.loads(strict.attributes(url)["Policy"])["Statement"][0]
    assert statement["Sid"] == "label" and "SendMessage" in json.dumps(statement["Action"])
    assert "111111111111" in json.dumps(statement["Principal"])
    assert "already" in strict.refused(DATA, "permit", url, "label", "--to", "111111111111", "--action", "*").lower()
    strict.json("revoke", url, "label")
    assert "Policy" not in strict.attributes(url)
    assert "InvalidParameterValue" in strict.refused(DATA, "revoke", url, "label")


def test_permissions_are_asked_for(far):
    url = far.queue()
    far.json("permit", url, "label", "--to", far.account, "--action", "ReceiveMessage", "--action", "SendMessage")
    far.json("revoke", url, "label")


def test_sources(far):
    dead = far.queue()
    policy = json.dumps({"deadLetterTargetArn": far.arn(dead), "maxReceiveCount": 2})
    sources = sorted(far.queue(RedrivePolicy=policy) for _ in range(3))
    assert sorted(far.json("sources", dead)["queueUrls"]) == sources
    if far.strict:
        assert sorted(far.json("sources", dead, "--max-results", 1, "--all")["queueUrls"]) == sources
        assert len(far.json("sources", dead, "--max-results", 1)["queueUrls"]) == 1


# ---- messages ----


def test_send(far):
    url = far.queue()
    sent = far.json(
        "send", url, "héllo 😀", "--attribute", "s=a=b", "--attribute", "n:Number.int=42", "--attribute",
        "raw:Binary.png=" + base64.b64encode(RAW).decode(), "--trace-header", TRACE,
    )
    message, = far.receive(url)
    assert message["Body"] == "héllo 😀" and message["MessageId"] == sent["MessageId"]
    assert message["MD5OfBody"] == sent["MD5OfMessageBody"]
    assert message["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    assert message["MessageAttributes"] == {
        "s": {"DataType": "String", "StringValue": "a=b"}, "n": {"DataType": "Number.int", "StringValue": "42"},
        "raw": {"DataType": "Binary.png", "BinaryValue": RAW}}
    assert message["Attributes"]["AWSTraceHeader"] == TRACE
    assert not far.strict or sent["MD5OfMessageSystemAttributes"] == TRACE_MD5
    assert "MD5 of body" in far.run("send", url, "again").out


def test_send_a_file(far, folder):
    url = far.queue()
    body = "line\n" * 50_000
    path = folder / "body"
    path.write_text(body)
    raw = folder / "raw"
    raw.write_bytes(RAW)
    far.json("send", url, "--file", path, "--attribute", f"raw:Binary=@{raw}")
    far.json("send", url, "--file", "-", stdin="from a pipe")
    bodies = {m["Body"]: m for m in far.receive(url) + far.receive(url, WaitTimeSeconds=0)}
    assert set(bodies) == {body, "from a pipe"}
    assert bodies[body]["MessageAttributes"]["raw"]["BinaryValue"] == RAW


def test_texts_are_texts(far):
    """No variables, templates or escapes in what is given on the command line."""
    url = far.queue()
    odd = "${HOME} $${x} %s \\n \"'"
    far.json("send", url, odd, "--attribute", f"a={odd}")
    message, = far.receive(url)
    assert message["Body"] == odd and message["MessageAttributes"]["a"]["StringValue"] == odd


def test_send_fifo(far):
    url = far.queue(".fifo")
    first = far.json("send", url, "x", "--group", "g", "--deduplication-id", "d")
    again = far.json("send", url, "x", "--group", "g", "--deduplication-id", "d")
    assert first["MessageId"] == again["MessageId"]
    assert not far.strict or first["SequenceNumber"] == again["SequenceNumber"]
    message, = far.receive(url)
    assert message["Attributes"]["MessageGroupId"] == "g" and message["Attributes"]["MessageDeduplicationId"] == "d"
    assert "group" in far.refused(DATA, "send", url, "x")
    assert "delay" in far.refused(DATA, "send", url, "x", "--group", "g", "--delay", 3)


def test_send_batch(far):
    url = far.queue()
    answer = far.json("send-batch", url, "a", "b", "c", "--id", "first", "--attribute", "k=v")
    assert [e["Id"] for e in answer["Successful"]] == ["first", "2", "3"] and answer["Failed"] == []
    messages = received(far, url, 3)
    assert sorted(m["Body"] for m in messages) == ["a", "b", "c"]
    assert {m["MessageId"] for m in messages} == {e["MessageId"] for e in answer["Successful"]}
    assert all(m["MessageAttributes"]["k"]["StringValue"] == "v" for m in messages)


def test_send_batch_of_lines(far):
    """More than one request; ids, attributes and trace headers by line; a batch ends where SQS has no room for more."""
    url = far.queue()
    lines = [{"id": f"m-{i}", "body": f"body {i}", "attributes": {"i": i, "s": f"ä{i}"}} for i in range(23)]
    lines[5] |= {"trace_header": TRACE, "body": "x" * 900_000}
    lines[6] |= {"body": "y" * 200_000}
    answer = far.json("send-batch", url, stdin="".join(json.dumps(line) + "\n" for line in lines))
    assert [e["Id"] for e in answer["Successful"]] == [line["id"] for line in lines]
    messages = {m["Body"]: m for m in received(far, url, 23)}
    assert set(messages) == {line["body"] for line in lines}
    assert messages[lines[5]["body"]]["Attributes"]["AWSTraceHeader"] == TRACE
    assert messages["body 7"]["MessageAttributes"] == {
        "i": {"DataType": "Number", "StringValue": "7"}, "s": {"DataType": "String", "StringValue": "ä7"}}


def test_send_batch_fifo_keeps_order(far):
    url = far.queue(".fifo")
    lines = [{"body": str(i), "group": "g", "deduplication_id": f"d{i}"} for i in range(30)]
    far.json("send-batch", url, stdin="".join(json.dumps(line) + "\n" for line in lines))
    got = []
    while len(got) < 30:
        for m in far.receive(url):
            got.append(m["Body"])
            far.boto.delete_message(QueueUrl=url, ReceiptHandle=m["ReceiptHandle"])
    assert got == [str(i) for i in range(30)]


def test_receive(far):
    url = far.queue()
    attributes = {"n": {"DataType": "Number", "StringValue": "1"}, "b": {"DataType": "Binary", "BinaryValue": RAW}}
    sent = far.boto.send_message(
        QueueUrl=url, MessageBody="é\t\n\"", MessageAttributes=attributes,
        MessageSystemAttributes={"AWSTraceHeader": {"DataType": "String", "StringValue": TRACE}})
    message, = far.json("receive", url, "--max", 10, "--wait", 1, "--visibility-timeout", 0)["Messages"]
    assert message["Body"] == "é\t\n\"" and message["MessageId"] == sent["MessageId"]
    assert message["MD5OfBody"] == sent["MD5OfMessageBody"]
    assert message["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    assert message["Attributes"]["AWSTraceHeader"] == TRACE and message["Attributes"]["ApproximateReceiveCount"] == "1"
    assert base64.b64decode(message["MessageAttributes"]["b"]["BinaryValue"]) == RAW

    chosen, = far.json("receive", url, "--wait", 1, "--attribute", "n", "--system-attribute", "SentTimestamp")["Messages"]
    assert list(chosen["MessageAttributes"]) == ["n"] and list(chosen["Attributes"]) == ["SentTimestamp"]
    assert far.json("receive", url, "--wait", 0) == {"Messages": []}


def test_receive_for_people(far):
    """Nothing that came from a queue may drive the terminal."""
    url = far.queue()
    far.boto.send_message(QueueUrl=url, MessageBody="two\nlines \u009b31m", MessageAttributes={
        "a": {"DataType": "String", "StringValue": "v"}})
    out = far.run("receive", url, "--wait", 1).out
    assert "two\\x0alines \\x9b31m" in out and "a (String)" in out
    assert {"message id", "receipt handle", "body"} <= {line.split("  ")[0] for line in out.splitlines()}


def test_receive_same_attempt(far):
    url = far.queue(".fifo")
    far.boto.send_message(QueueUrl=url, MessageBody="x", MessageGroupId="g", MessageDeduplicationId="d")
    first = far.json("receive", url, "--attempt-id", "try", "--visibility-timeout", 60)["Messages"]
    again = far.json("receive", url, "--attempt-id", "try", "--visibility-timeout", 60)["Messages"]
    assert [m["MessageId"] for m in first] == [m["MessageId"] for m in again] and len(first) == 1
    assert far.json("receive", url, "--attempt-id", "other", "--wait", 0)["Messages"] == []


def test_delete_message(far):
    url = far.queue()
    handle, = far.handles(url, 1)
    assert far.json("delete-message", url, handle) == {}
    assert counts(far, url) == (0, 0)
    assert "ReceiptHandleIsInvalid" in far.refused(DATA, "delete-message", url, "garbage")


def test_delete_batch(far):
    url = far.queue()
    handles = far.handles(url, 12)
    answer = far.json("delete-batch", url, stdin="".join(h + "\n" for h in handles))
    assert [e["Id"] for e in answer["Successful"]] == [str(i + 1) for i in range(12)]
    assert counts(far, url) == (0, 0)


def test_delete_what_was_received(far):
    """receive --json | delete-batch"""
    url = far.queue()
    far.run("send-batch", url, *"abcde")
    while True:
        out = far.run("receive", url, "--max", 10, "--wait", 1, "--json").out
        if not json.loads(out)["Messages"]:
            break
        assert far.json("delete-batch", url, stdin=out)["Failed"] == []
    assert counts(far, url) == (0, 0)


def test_batch_with_bad_entries(far):
    url = far.queue()
    handles = far.handles(url, 2)
    done = far.run("delete-batch", url, handles[0], "garbage", handles[1], "--json")
    assert done.code == PARTLY and "1 of 3" in done.err
    answer = json.loads(done.out)
    assert [e["Id"] for e in answer["Successful"]] == ["1", "3"]
    failed, = answer["Failed"]
    assert failed["Id"] == "2" and failed["Code"] == "ReceiptHandleIsInvalid" and failed["SenderFault"] is True
    assert failed["Message"]
    assert far.run("delete-batch", url, "garbage").code == DATA
    assert "ReceiptHandleIsInvalid" in far.run("delete-batch", url, "garbage").out


def test_visibility(far):
    url = far.queue()
    handle, = far.handles(url, 1)
    assert counts(far, url) == (0, 1)
    assert far.json("visibility", url, 0, handle) == {}
    assert counts(far, url) == (1, 0)


def test_visibility_batch(far):
    url = far.queue()
    handles = far.handles(url, 3)
    lines = [json.dumps({"Id": "a", "ReceiptHandle": handles[0], "VisibilityTimeout": 0}), *handles[1:]]
    answer = far.json("visibility-batch", url, "10m", stdin="\n".join(lines))
    assert [e["Id"] for e in answer["Successful"]] == ["a", "2", "3"]
    assert counts(far, url) == (1, 2)
    far.json("visibility-batch", url, 0, *handles[1:])
    assert counts(far, url) == (3, 0)


# ---- dead letters ----


def test_redrive(far):
    url, dead = with_dead_letters(far, 5)
    done = far.run("redrive", "start", dead, "--wait")
    assert done.code == OK and done.out == "COMPLETED, 5 messages moved\n", (done.out, done.err)
    assert counts(far, url)[0] == 5 and counts(far, dead)[0] == 0
    task, = far.json("redrive", "list", dead)["Results"]
    assert task["Status"] == "COMPLETED" and task["ApproximateNumberOfMessagesMoved"] == 5
    assert task == far.boto.list_message_move_tasks(SourceArn=far.arn(dead))["Results"][0]
    assert "COMPLETED" in far.run("redrive", "list", dead).out


def test_redrive_elsewhere_and_cancel(strict):
    _, dead = with_dead_letters(strict, 30)
    to = strict.queue()
    handle = strict.json("redrive", "start", strict.arn(dead), "--to", to, "--max-per-second", 1)["TaskHandle"]
    running, = strict.boto.list_message_move_tasks(SourceArn=strict.arn(dead))["Results"]
    assert running["Status"] == "RUNNING" and running["MaxNumberOfMessagesPerSecond"] == 1
    assert running["DestinationArn"] == strict.arn(to)
    assert "already" in strict.refused(DATA, "redrive", "start", dead)
    assert strict.json("redrive", "cancel", handle)["ApproximateNumberOfMessagesMoved"] < 30
    cancelled, = strict.boto.list_message_move_tasks(SourceArn=strict.arn(dead))["Results"]
    assert cancelled["Status"] == "CANCELLED"
    strict.refused(DATA, "redrive", "cancel", handle)
    strict.refused(NO_INPUT, "redrive", "cancel", "bm9uZQ==")


def test_redrive_of_no_dead_letter_queue(strict):
    assert "Dead Letter Queue" in strict.refused(DATA, "redrive", "start", strict.queue())


# ---- on a terminal ----


@pytest.mark.parametrize("verb", ("delete", "purge"))
def test_asks_before_what_cannot_be_undone(strict, verb):
    url = strict.queue()
    strict.boto.send_message(QueueUrl=url, MessageBody="x")
    code, shown = strict.on_terminal(verb, url, answer="n")
    assert code != OK and url.rpartition("/")[2] in shown and "cannot be undone" in shown
    assert counts(strict, url) == (1, 0)
    code, shown = strict.on_terminal(verb, url, answer="y")
    assert code == OK, shown
    if verb == "purge":
        assert counts(strict, url) == (0, 0)
    else:
        assert url not in strict.boto.list_queues().get("QueueUrls", [])
    code, shown = strict.on_terminal(verb, strict.queue(), "--yes")
    assert code == OK and shown == ""


def test_shows_how_far_it_is(strict, folder):
    """On a terminal only: what scripts read on standard error are complaints."""
    name = strict.name()
    for i in range(3):
        strict.boto.create_queue(QueueName=f"{name}-{i}")
    pages = ["list", "--prefix", name, "--max-results", 1, "--all"]
    code, shown = strict.on_terminal(*pages)
    assert code == OK and "queues 2" in shown
    assert strict.run(*pages).err == ""

    lines = folder / "lines"
    lines.write_text("".join(json.dumps({"body": str(i)}) + "\n" for i in range(25)))
    code, shown = strict.on_terminal("send-batch", strict.queue(), "--file", lines)
    assert code == OK and "sent 20" in shown

    _, dead = with_dead_letters(strict, 3)
    code, shown = strict.on_terminal("redrive", "start", dead, "--wait")
    assert code == OK and "moved 3 of 3 [" in shown


def test_help():
    far = Far("http://127.0.0.1:1")
    said = far.run("--help").out
    verbs = [line[2:19].strip() for line in said.splitlines() if line.startswith("  ") and line[2] != " "]
    assert len(verbs) == 23
    for verb in verbs:
        shown = far.run(*verb.split(), "--help")
        assert shown.code == OK and shown.out.startswith(f"usage: sqsbridge queue {verb} ")
        assert "--endpoint-url" in shown.out and "--json" in shown.out
