"""The SQS simulator seen by boto3: every action with real signatures, the limits with AWS's codes, and each fault.

SQS_SIM names the binary.
"""
import hashlib
import http.client
import json
import os
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

MIB = 1024 * 1024


class Sim:
    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            [os.environ["SQS_SIM"], "--exit-with-parent", "--seed", "1", *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        self.url = self.process.stdout.readline().split()[1]

    def client(self, secret="simsecret", key="AKIDSIM", token=None, region="us-east-1", **config):
        config = Config(retries={"total_max_attempts": 1}, **config)
        return boto3.client(
            "sqs", endpoint_url=self.url, region_name=region, aws_access_key_id=key, aws_secret_access_key=secret,
            aws_session_token=token, config=config, verify=False,
        )

    def control(self, path, spec=None):
        data = None if spec is None else json.dumps(spec).encode()
        with urllib.request.urlopen(f"{self.url}/_sim/{path}", data, timeout=10) as answer:
            return json.load(answer)

    def advance(self, seconds):
        self.control("advance", {"ms": int(seconds * 1000)})

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(10) == 0
        self.process.stdout.close()


@pytest.fixture(scope="module")
def server():
    s = Sim()
    yield s
    s.close()


@pytest.fixture
def sim(server):
    server.control("reset", {})
    return server


@pytest.fixture
def sqs(sim):
    return sim.client()


@pytest.fixture
def q(sqs):
    return sqs.create_queue(QueueName="q")["QueueUrl"]


@pytest.fixture
def fifo(sqs):
    return sqs.create_queue(QueueName="q.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]


def refused(call, code, text="", **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error = caught.value.response["Error"]
    assert error["Code"] == code
    assert text in error["Message"]
    return caught.value.response


def is_refused(call, code):
    try:
        call()
    except ClientError as e:
        return e.response["Error"]["Code"] == code
    return False


def wait_until(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def arn(name):
    return f"arn:aws:sqs:us-east-1:123456789012:{name}"


def string(value):
    return {"DataType": "String", "StringValue": value}


def bodies(answer):
    return [m["Body"] for m in answer.get("Messages", [])]


def entries(answer):
    return [{"Id": str(i), "ReceiptHandle": m["ReceiptHandle"]} for i, m in enumerate(answer["Messages"])]


def test_message_comes_back_whole(sqs, q):
    body = 'é"\\\t\r\n\U0001f600' + "x" * 300
    attributes = {
        "trace": string("sensors/a/b"),
        "n": {"DataType": "Number.int", "StringValue": "42"},
        "bin": {"DataType": "Binary.raw", "BinaryValue": b"\x00\x01\xfe\xff"},
    }
    trace = {"AWSTraceHeader": string("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1")}
    sent = sqs.send_message(
        QueueUrl=q, MessageBody=body, MessageAttributes=attributes, MessageSystemAttributes=trace, MessageGroupId="tenant"
    )
    assert sent["MD5OfMessageBody"] == hashlib.md5(body.encode()).hexdigest()
    assert sent["MD5OfMessageAttributes"] == "5b4b75baea7ae689727c56813ace21af"
    assert sent["MD5OfMessageSystemAttributes"] == "5f48eef650c1d0207456969c85af2fdd"
    m = sqs.receive_message(QueueUrl=q, MessageAttributeNames=["All"], MessageSystemAttributeNames=["All"])["Messages"][0]
    assert m["Body"] == body
    assert m["MessageAttributes"] == attributes
    assert m["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    assert m["Attributes"]["AWSTraceHeader"] == trace["AWSTraceHeader"]["StringValue"]
    assert m["Attributes"]["MessageGroupId"] == "tenant"
    assert m["Attributes"]["ApproximateReceiveCount"] == "1"
    assert m["Attributes"]["SenderId"] == "123456789012"
    assert abs(int(m["Attributes"]["SentTimestamp"]) / 1000 - time.time()) < 60


def test_attributes_come_only_when_asked_for(sqs, q):
    attributes = {name: string("v") for name in ("General", "Hello", "Help.Me", "Help.You")}
    for _ in range(4):
        sqs.send_message(QueueUrl=q, MessageBody="m", MessageAttributes=attributes)

    def receive(names):
        return sqs.receive_message(QueueUrl=q, MessageAttributeNames=names)["Messages"][0]

    plain = receive([])
    assert "MessageAttributes" not in plain and "MD5OfMessageAttributes" not in plain and "Attributes" not in plain
    assert set(receive(["Help.*"])["MessageAttributes"]) == {"Help.Me", "Help.You"}
    assert set(receive(["Hello", "None"])["MessageAttributes"]) == {"Hello"}
    assert "MessageAttributes" not in receive(["Nothing"])


def test_batches(sqs, q):
    sent = sqs.send_message_batch(QueueUrl=q, Entries=[{"Id": str(i), "MessageBody": f"m{i}"} for i in range(10)])
    assert [e["Id"] for e in sent["Successful"]] == [str(i) for i in range(10)] and "Failed" not in sent
    got = sqs.receive_message(QueueUrl=q, MaxNumberOfMessages=10)
    assert len(got["Messages"]) == 10
    longer = [{**e, "VisibilityTimeout": 100} for e in entries(got)]
    assert len(sqs.change_message_visibility_batch(QueueUrl=q, Entries=longer)["Successful"]) == 10
    assert len(sqs.delete_message_batch(QueueUrl=q, Entries=entries(got))["Successful"]) == 10
    counts = sqs.get_queue_attributes(QueueUrl=q, AttributeNames=["All"])["Attributes"]
    assert counts["ApproximateNumberOfMessages"] == counts["ApproximateNumberOfMessagesNotVisible"] == "0"


def test_batch_fails_entry_by_entry(sqs, q):
    sent = sqs.send_message_batch(
        QueueUrl=q,
        Entries=[
            {"Id": "ok", "MessageBody": "m"},
            {"Id": "control", "MessageBody": "\x01"},
            {"Id": "attribute", "MessageBody": "m", "MessageAttributes": {"a": string("")}},
        ],
    )
    assert [e["Id"] for e in sent["Successful"]] == ["ok"]
    failed = {e["Id"]: e for e in sent["Failed"]}
    assert failed["control"]["Code"] == "InvalidMessageContents" and failed["control"]["SenderFault"]
    assert failed["attribute"]["Message"] == "Message (user) attribute 'a' must contain a non-empty value of type 'String'."


def test_batch_is_checked_as_a_whole(sqs, q):
    def send(ids, body="m"):
        return {"QueueUrl": q, "Entries": [{"Id": i, "MessageBody": body} for i in ids]}

    batch = sqs.send_message_batch
    prefix = "AWS.SimpleQueueService."
    refused(batch, prefix + "EmptyBatchRequest", "SendMessageBatchRequestEntry", **send([]))
    refused(batch, prefix + "TooManyEntriesInBatchRequest", "are 10. You have sent 11.", **send([str(i) for i in range(11)]))
    refused(batch, prefix + "BatchEntryIdsNotDistinct", "Id a repeated.", **send(["a", "b", "a"]))
    refused(batch, prefix + "InvalidBatchEntryId", **send(["a b"]))
    refused(batch, prefix + "InvalidBatchEntryId", **send(["x" * 81]))
    text = "Batch requests cannot be longer than 1048576 bytes. You have sent 1048600 bytes."
    refused(batch, prefix + "BatchRequestTooLong", text, **send([str(i) for i in range(10)], "x" * 104860))


def test_limits_of_a_message(sqs, q):
    send = sqs.send_message
    assert send(QueueUrl=q, MessageBody="x" * MIB)
    text = "One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes."
    refused(send, "InvalidParameterValue", text, QueueUrl=q, MessageBody="x" * (MIB + 1))
    attribute = {"abc": string("12345")}
    assert send(QueueUrl=q, MessageBody="x" * (MIB - 14), MessageAttributes=attribute)
    refused(send, "InvalidParameterValue", text, QueueUrl=q, MessageBody="x" * (MIB - 13), MessageAttributes=attribute)
    refused(send, "InvalidMessageContents", QueueUrl=q, MessageBody="a\x00b")
    refused(send, "InvalidMessageContents", QueueUrl=q, MessageBody="a\uffffb")
    refused(send, "MissingParameter", "MessageBody", QueueUrl=q, MessageBody="")
    refused(send, "InvalidParameterValue", "900", QueueUrl=q, MessageBody="m", DelaySeconds=901)
    refused(send, "InvalidParameterValue", "valid for this queue type", QueueUrl=q, MessageBody="m", MessageDeduplicationId="d")


@pytest.mark.parametrize("attributes", [
    {f"a{i}": string("v") for i in range(11)},
    {"AWS.x": string("v")},
    {"amazon.x": string("v")},
    {".x": string("v")},
    {"x..y": string("v")},
    {"a b": string("v")},
    {"x" * 257: string("v")},
    {"a": {"DataType": "Text", "StringValue": "v"}},
    {"a": {"DataType": "Number", "StringValue": "four"}},
    {"a": string("\x02")},
])
def test_bad_attributes_are_refused(sqs, q, attributes):
    refused(sqs.send_message, "InvalidParameterValue", QueueUrl=q, MessageBody="m", MessageAttributes=attributes)


def test_receive_parameters_are_checked(sqs, q):
    receive = sqs.receive_message
    refused(receive, "InvalidParameterValue", "Must be between 1 and 10", QueueUrl=q, MaxNumberOfMessages=11)
    refused(receive, "InvalidParameterValue", "<= 20", QueueUrl=q, WaitTimeSeconds=21)
    refused(receive, "InvalidParameterValue", "<= 43200", QueueUrl=q, VisibilityTimeout=43201)
    refused(receive, "InvalidAttributeName", "Unknown Attribute X.", QueueUrl=q, AttributeNames=["X"])


def test_long_poll_waits_for_a_message(sim, sqs, q):
    answers = []
    poll = threading.Thread(target=lambda: answers.append(sim.client().receive_message(QueueUrl=q, WaitTimeSeconds=20)))
    poll.start()
    wait_until(lambda: sim.control("queues/q")["polls_waiting"] == 1)
    start = time.monotonic()
    sqs.send_message(QueueUrl=q, MessageBody="m")
    poll.join(10)
    assert bodies(answers[0]) == ["m"] and time.monotonic() - start < 1


def test_long_poll_ends_when_its_time_is_up(sqs, q):
    start = time.monotonic()
    assert "Messages" not in sqs.receive_message(QueueUrl=q, WaitTimeSeconds=1)
    assert 0.9 < time.monotonic() - start < 3


def test_long_poll_gets_what_becomes_visible(sim, sqs, q):
    sqs.send_message(QueueUrl=q, MessageBody="m", DelaySeconds=1)
    assert bodies(sqs.receive_message(QueueUrl=q, WaitTimeSeconds=5, VisibilityTimeout=1)) == ["m"]
    assert bodies(sqs.receive_message(QueueUrl=q, WaitTimeSeconds=5)) == ["m"]


def test_abandoned_long_poll_takes_no_message(sim, sqs, q):
    with pytest.raises(ReadTimeoutError):
        sim.client(read_timeout=0.3).receive_message(QueueUrl=q, WaitTimeSeconds=20)
    wait_until(lambda: sim.control("queues/q")["polls_waiting"] == 0)
    sqs.send_message(QueueUrl=q, MessageBody="m")
    assert sim.control("queues/q")["ready"] == 1


def test_handles(sim, sqs, q):
    sqs.send_message(QueueUrl=q, MessageBody="m")
    first = sqs.receive_message(QueueUrl=q, VisibilityTimeout=10)["Messages"][0]["ReceiptHandle"]
    beyond = {"QueueUrl": q, "ReceiptHandle": first, "VisibilityTimeout": 43200}
    sim.advance(1)
    refused(sqs.change_message_visibility, "InvalidParameterValue", "Total VisibilityTimeout", **beyond)
    sqs.change_message_visibility(QueueUrl=q, ReceiptHandle=first, VisibilityTimeout=0)
    at_rest = {"QueueUrl": q, "ReceiptHandle": first, "VisibilityTimeout": 10}
    refused(sqs.change_message_visibility, "AWS.SimpleQueueService.MessageNotInflight", **at_rest)
    second = sqs.receive_message(QueueUrl=q)["Messages"][0]["ReceiptHandle"]
    sqs.delete_message(QueueUrl=q, ReceiptHandle=first)
    assert sim.control("queues/q")["in_flight"] == 1
    sqs.delete_message(QueueUrl=q, ReceiptHandle=second)
    sqs.delete_message(QueueUrl=q, ReceiptHandle=second)
    assert sim.control("queues/q")["deleted"] == 1
    refused(sqs.delete_message, "ReceiptHandleIsInvalid", QueueUrl=q, ReceiptHandle="garbage")
    assert sqs.delete_message_batch(QueueUrl=q, Entries=[{"Id": "a", "ReceiptHandle": "x"}])["Failed"][0]["SenderFault"]


def test_fifo(sim, sqs, fifo):
    def send(group, body, **more):
        more.setdefault("MessageDeduplicationId", body)
        return sqs.send_message(QueueUrl=fifo, MessageBody=body, MessageGroupId=group, **more)

    sent = [send("g1", "a"), send("g1", "b"), send("g2", "x"), send("g1", "c")]
    numbers = [s["SequenceNumber"] for s in sent]
    assert numbers == sorted(numbers) and {len(n) for n in numbers} == {20}
    assert send("g1", "a")["MessageId"] == sent[0]["MessageId"]
    got = sqs.receive_message(QueueUrl=fifo, MaxNumberOfMessages=2, VisibilityTimeout=10, AttributeNames=["All"])
    assert bodies(got) == ["a", "b"]
    assert got["Messages"][0]["Attributes"]["MessageDeduplicationId"] == "a"
    assert got["Messages"][0]["Attributes"]["SequenceNumber"] == numbers[0]
    assert bodies(sqs.receive_message(QueueUrl=fifo, MaxNumberOfMessages=10)) == ["x"]
    sim.advance(11)
    late = sqs.delete_message_batch(QueueUrl=fifo, Entries=entries(got)[:1])["Failed"][0]
    assert (late["Code"], late["Message"]) == ("ReceiptHandleIsInvalid", "The receipt handle has expired")
    handle = got["Messages"][0]["ReceiptHandle"]
    refused(sqs.delete_message, "InvalidParameterValue", "The receipt handle has expired.", QueueUrl=fifo, ReceiptHandle=handle)
    assert bodies(sqs.receive_message(QueueUrl=fifo, MaxNumberOfMessages=10)) == ["a", "b", "c"]


def test_fifo_parameters_are_checked(sqs, fifo):
    def check(code, text, **more):
        refused(sqs.send_message, code, text, QueueUrl=fifo, MessageBody="m", **more)

    check("MissingParameter", "MessageGroupId")
    check("InvalidParameterValue", "ContentBasedDeduplication", MessageGroupId="g")
    check("InvalidParameterValue", "1 to 128", MessageGroupId="a b", MessageDeduplicationId="d")
    check("InvalidParameterValue", "1 to 128", MessageGroupId="g", MessageDeduplicationId="x" * 129)
    check("InvalidParameterValue", "queue type", MessageGroupId="g", MessageDeduplicationId="d", DelaySeconds=1)


def test_receive_attempt(sim, sqs, fifo):
    sqs.send_message(QueueUrl=fifo, MessageBody="a", MessageGroupId="g", MessageDeduplicationId="a")
    first = sqs.receive_message(QueueUrl=fifo, ReceiveRequestAttemptId="try")
    again = sqs.receive_message(QueueUrl=fifo, ReceiveRequestAttemptId="try")
    assert entries(first) == entries(again)
    assert bodies(sqs.receive_message(QueueUrl=fifo, ReceiveRequestAttemptId="other")) == []


def test_dead_letters_and_back(sim, sqs, q):
    dlq = sqs.create_queue(QueueName="dlq")["QueueUrl"]
    policy = json.dumps({"deadLetterTargetArn": arn("dlq"), "maxReceiveCount": 1})
    sqs.set_queue_attributes(QueueUrl=q, Attributes={"RedrivePolicy": policy})
    assert sqs.list_dead_letter_source_queues(QueueUrl=dlq)["queueUrls"] == [q]
    sent = sqs.send_message(QueueUrl=q, MessageBody="m")
    sqs.receive_message(QueueUrl=q, VisibilityTimeout=0)
    assert bodies(sqs.receive_message(QueueUrl=q)) == []
    m = sqs.receive_message(QueueUrl=dlq, VisibilityTimeout=0, AttributeNames=["All"])["Messages"][0]
    assert m["MessageId"] == sent["MessageId"]
    assert m["Attributes"]["ApproximateReceiveCount"] == "2"
    assert m["Attributes"]["DeadLetterQueueSourceArn"] == arn("q")
    refused(sqs.start_message_move_task, "InvalidParameterValue", "Dead Letter Queue", SourceArn=arn("q"))
    handle = sqs.start_message_move_task(SourceArn=arn("dlq"))["TaskHandle"]
    wait_until(lambda: sqs.list_message_move_tasks(SourceArn=arn("dlq"))["Results"][0]["Status"] != "RUNNING")
    task = sqs.list_message_move_tasks(SourceArn=arn("dlq"))["Results"][0]
    assert (task["Status"], task["ApproximateNumberOfMessagesMoved"]) == ("COMPLETED", 1)
    assert bodies(sqs.receive_message(QueueUrl=q)) == ["m"]
    refused(sqs.cancel_message_move_task, "AWS.SimpleQueueService.UnsupportedOperation", TaskHandle=handle)


def test_move_task_is_cancelled(sim, sqs, q):
    dlq = sqs.create_queue(QueueName="dlq")["QueueUrl"]
    policy = json.dumps({"deadLetterTargetArn": arn("dlq"), "maxReceiveCount": 1})
    sqs.set_queue_attributes(QueueUrl=q, Attributes={"RedrivePolicy": policy})
    for i in range(10):
        sqs.send_message(QueueUrl=dlq, MessageBody=str(i))
    slow = {"SourceArn": arn("dlq"), "DestinationArn": arn("q"), "MaxNumberOfMessagesPerSecond": 1}
    handle = sqs.start_message_move_task(**slow)["TaskHandle"]
    refused(sqs.start_message_move_task, "InvalidParameterValue", "already a task running", **slow)
    assert sqs.cancel_message_move_task(TaskHandle=handle)["ApproximateNumberOfMessagesMoved"] < 10
    assert sqs.list_message_move_tasks(SourceArn=arn("dlq"))["Results"][0]["Status"] == "CANCELLED"


def test_queue_life(sim, sqs, q):
    assert sqs.create_queue(QueueName="q")["QueueUrl"] == q == sqs.get_queue_url(QueueName="q")["QueueUrl"]
    refused(sqs.create_queue, "QueueAlreadyExists", "attribute DelaySeconds", QueueName="q", Attributes={"DelaySeconds": "1"})
    refused(sqs.create_queue, "InvalidParameterValue", QueueName="a b")
    refused(sqs.create_queue, "InvalidParameterValue", QueueName="x" * 81)
    refused(sqs.create_queue, "InvalidAttributeName", "Unknown Attribute", QueueName="x", Attributes={"Nonsense": "1"})
    refused(sqs.create_queue, "InvalidAttributeValue", QueueName="x", Attributes={"VisibilityTimeout": "-1"})
    both = {"KmsMasterKeyId": "k", "SqsManagedSseEnabled": "true"}
    refused(sqs.create_queue, "InvalidAttributeName", "one type of server-side encryption", QueueName="x", Attributes=both)
    sqs.send_message(QueueUrl=q, MessageBody="m")
    sqs.purge_queue(QueueUrl=q)
    refused(sqs.purge_queue, "AWS.SimpleQueueService.PurgeQueueInProgress", "every 60 seconds", QueueUrl=q)
    sim.advance(60)
    sqs.purge_queue(QueueUrl=q)
    sqs.delete_queue(QueueUrl=q)
    refused(sqs.send_message, "AWS.SimpleQueueService.NonExistentQueue", QueueUrl=q, MessageBody="m")
    refused(sqs.create_queue, "AWS.SimpleQueueService.QueueDeletedRecently", QueueName="q")
    sim.advance(60)
    sqs.create_queue(QueueName="q")


def test_queue_attributes(sqs, q, fifo):
    assert "Attributes" not in sqs.get_queue_attributes(QueueUrl=q)
    refused(sqs.get_queue_attributes, "InvalidAttributeName", QueueUrl=q, AttributeNames=["Nonsense"])
    sqs.set_queue_attributes(QueueUrl=q, Attributes={"VisibilityTimeout": "7", "KmsMasterKeyId": "alias/k"})
    a = sqs.get_queue_attributes(QueueUrl=q, AttributeNames=["All"])["Attributes"]
    assert (a["VisibilityTimeout"], a["KmsMasterKeyId"], a["SqsManagedSseEnabled"]) == ("7", "alias/k", "false")
    assert (a["QueueArn"], a["MaximumMessageSize"]) == (arn("q"), "1048576")
    assert "FifoQueue" not in a and "RedrivePolicy" not in a
    a = sqs.get_queue_attributes(QueueUrl=fifo, AttributeNames=["FifoQueue", "DeduplicationScope"])["Attributes"]
    assert a == {"FifoQueue": "true", "DeduplicationScope": "queue"}
    refused(sqs.set_queue_attributes, "InvalidAttributeName", "FifoQueue", QueueUrl=q, Attributes={"FifoQueue": "true"})
    per_group = {"FifoThroughputLimit": "perMessageGroupId"}
    refused(sqs.set_queue_attributes, "InvalidAttributeValue", QueueUrl=fifo, Attributes=per_group)
    sqs.set_queue_attributes(QueueUrl=fifo, Attributes={**per_group, "DeduplicationScope": "messageGroup"})


def test_listing(sqs):
    assert "QueueUrls" not in sqs.list_queues()
    urls = [sqs.create_queue(QueueName=f"list-{i}")["QueueUrl"] for i in range(5)]
    sqs.create_queue(QueueName="other")
    assert sqs.list_queues(QueueNamePrefix="list-")["QueueUrls"] == urls
    pages = sqs.get_paginator("list_queues").paginate(QueueNamePrefix="list-", PaginationConfig={"PageSize": 2})
    assert [page["QueueUrls"] for page in pages] == [urls[:2], urls[2:4], urls[4:]]


def test_tags_and_permissions(sqs, q):
    sqs.tag_queue(QueueUrl=q, Tags={"a": "1", "b": "2"})
    sqs.untag_queue(QueueUrl=q, TagKeys=["a"])
    assert sqs.list_queue_tags(QueueUrl=q)["Tags"] == {"b": "2"}
    statement = {"QueueUrl": q, "Label": "l", "AWSAccountIds": ["123456789012"], "Actions": ["SendMessage"]}
    sqs.add_permission(**statement)
    refused(sqs.add_permission, "InvalidParameterValue", **statement)
    policy = sqs.get_queue_attributes(QueueUrl=q, AttributeNames=["Policy"])["Attributes"]["Policy"]
    assert json.loads(policy)["Statement"][0]["Action"] == ["SQS:SendMessage"]
    sqs.remove_permission(QueueUrl=q, Label="l")
    assert not sqs.get_queue_attributes(QueueUrl=q, AttributeNames=["Policy"]).get("Attributes")
    refused(sqs.remove_permission, "InvalidParameterValue", QueueUrl=q, Label="l")
    tagged = sqs.create_queue(QueueName="tagged", tags={"c": "3"})["QueueUrl"]
    assert sqs.list_queue_tags(QueueUrl=tagged)["Tags"] == {"c": "3"}


def test_signatures(sim, sqs, q):
    refused(sim.client(secret="wrong").list_queues, "SignatureDoesNotMatch", "does not match the signature you provided")
    refused(sim.client(key="NOBODY").list_queues, "InvalidClientTokenId", "security token included in the request is invalid")
    refused(sim.client(token="x").list_queues, "InvalidClientTokenId")
    refused(sim.client(region="eu-west-1").list_queues, "SignatureDoesNotMatch", "valid region")
    assert sim.control("stats")["signature_failures"] == 4
    sim.control("credentials", {"access_key": "ASIA", "secret": "s", "token": "t"})
    session = sim.client(key="ASIA", secret="s", token="t")
    session.list_queues()
    sim.control("credentials", {"access_key": "ASIA", "secret": "s", "token": "t", "expired": True})
    refused(session.list_queues, "ExpiredToken", "expired")
    sim.control("credentials", {"access_key": "ASIA", "secret": "s", "token": "t", "expires_s": int(time.time()) + 2})
    session.list_queues()
    assert sim.control("credentials")["ASIA"] == 1
    wait_until(lambda: is_refused(session.list_queues, "ExpiredToken"))


def post(sim, headers, body=b"{}"):
    connection = http.client.HTTPConnection(sim.url.removeprefix("http://"), timeout=2)
    connection.request("POST", "/", body, {**headers, "Connection": "close"})
    return connection.getresponse()


def signed(sim, action, arguments, **headers):
    body = json.dumps(arguments)
    headers = {"X-Amz-Target": f"AmazonSQS.{action}", "Content-Type": "application/x-amz-json-1.0", **headers}
    request = AWSRequest("POST", sim.url + "/", headers, body)
    SigV4Auth(Credentials("AKIDSIM", "simsecret"), "sqs", "us-east-1").add_auth(request)
    return post(sim, dict(request.headers), body)


def error_type(answer):
    return answer.status, json.loads(answer.read())["__type"]


def test_unsigned_request(sim):
    headers = {"X-Amz-Target": "AmazonSQS.ListQueues", "Content-Type": "application/x-amz-json-1.0"}
    assert error_type(post(sim, headers)) == (403, "com.amazon.coral.service#MissingAuthenticationTokenException")


def test_calls_that_make_no_sense(sim, q):
    unknown = (400, "com.amazon.coral.service#UnknownOperationException")
    assert error_type(signed(sim, "Nonsense", {})) == unknown
    assert error_type(signed(sim, "ListQueues", {}, **{"Content-Type": "application/json"})) == unknown
    assert error_type(signed(sim, "ListQueues", [])) == (400, "com.amazon.coral.service#SerializationException")
    assert error_type(signed(sim, "ReceiveMessage", {"QueueUrl": 1}))[1].endswith("#SerializationException")
    wrong_type = {"QueueUrl": q, "MaxNumberOfMessages": "10"}
    assert error_type(signed(sim, "ReceiveMessage", wrong_type))[1].endswith("#SerializationException")
    assert error_type(signed(sim, "ReceiveMessage", {}))[1].endswith("#MissingRequiredParameterException")
    assert error_type(signed(sim, "ReceiveMessage", {"QueueUrl": "q"})) == (404, "com.amazonaws.sqs#InvalidAddress")


def test_legacy_code_comes_only_when_asked_for(sim):
    missing = {"QueueName": "missing"}
    assert signed(sim, "GetQueueUrl", missing).getheader("x-amzn-query-error") is None
    answer = signed(sim, "GetQueueUrl", missing, **{"x-amzn-query-mode": "true"})
    assert answer.getheader("x-amzn-query-error") == "AWS.SimpleQueueService.NonExistentQueue;Sender"
    assert error_type(answer) == (400, "com.amazonaws.sqs#QueueDoesNotExist")


def fault(sim, kind, action="SendMessage", **more):
    sim.control("faults", {"kind": kind, "action": action, **more})


def send(sqs, q):
    return sqs.send_message(QueueUrl=q, MessageBody="m")


def test_fault_status(sim, sqs, q):
    fault(sim, "status", status=503, code="ServiceUnavailable", message="busy", skip=1, count=2)
    send(sqs, q)
    for _ in range(2):
        answer = refused(sqs.send_message, "ServiceUnavailable", "busy", QueueUrl=q, MessageBody="m")
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 503
    send(sqs, q)
    assert sim.control("queues/q")["ready"] == 2
    assert sim.control("faults")[0]["hits"] == 2


def test_fault_is_of_one_queue(sim, sqs, q):
    other = sqs.create_queue(QueueName="other")["QueueUrl"]
    fault(sim, "status", queue="other", count=-1)
    send(sqs, q)
    with pytest.raises(ClientError):
        send(sqs, other)
    sim.control("faults/clear", {})
    send(sqs, other)


def test_fault_html(sim, sqs, q):
    fault(sim, "status", status=502, html="<html>Bad Gateway</html>")
    with pytest.raises(ClientError) as caught:
        send(sqs, q)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 502


def test_fault_throttle_and_expired_token(sim, sqs, q):
    fault(sim, "throttle")
    refused(sqs.send_message, "ThrottlingException", QueueUrl=q, MessageBody="m")
    fault(sim, "expired_token")
    refused(sqs.send_message, "ExpiredToken", QueueUrl=q, MessageBody="m")


@pytest.mark.parametrize("kind, executed", [("cut_before", 0), ("cut_after", 1)])
def test_fault_cut(sim, sqs, q, kind, executed):
    fault(sim, kind)
    with pytest.raises(ConnectionClosedError):
        send(sqs, q)
    assert sim.control("queues/q")["ready"] == executed


def test_fault_cut_mid(sim, q):
    fault(sim, "cut_mid")
    with pytest.raises(http.client.IncompleteRead):
        signed(sim, "SendMessage", {"QueueUrl": q, "MessageBody": "m"}).read()
    assert sim.control("queues/q")["ready"] == 1


def test_fault_delay_and_hang(sim, q):
    hasty = sim.client(read_timeout=0.3)
    fault(sim, "delay", delay_ms=2000)
    with pytest.raises(ReadTimeoutError):
        send(hasty, q)
    assert sim.control("queues/q")["ready"] == 1
    fault(sim, "hang")
    with pytest.raises(ReadTimeoutError):
        send(hasty, q)
    assert sim.control("queues/q")["ready"] == 1


def test_fault_partial(sim, sqs, q):
    fault(sim, "partial", "SendMessageBatch", **{"from": 1, "upto": 3, "code": "ThrottlingException", "sender_fault": False})
    sent = sqs.send_message_batch(QueueUrl=q, Entries=[{"Id": str(i), "MessageBody": f"m{i}"} for i in range(4)])
    assert [e["Id"] for e in sent["Successful"]] == ["0", "3"]
    assert [(e["Id"], e["Code"], e["SenderFault"]) for e in sent["Failed"]] == [
        ("1", "ThrottlingException", False), ("2", "ThrottlingException", False),
    ]
    assert sim.control("queues/q")["ready"] == 2


@pytest.mark.parametrize("kind, executed", [("omit_before", 2), ("omit_after", 4)])
def test_fault_omit(sim, sqs, q, kind, executed):
    """The answer does not name some entries at all."""
    fault(sim, kind, "SendMessageBatch", **{"from": 1, "upto": 3})
    sent = sqs.send_message_batch(QueueUrl=q, Entries=[{"Id": str(i), "MessageBody": f"m{i}"} for i in range(4)])
    assert [e["Id"] for e in sent["Successful"]] == ["0", "3"]
    assert "Failed" not in sent
    assert sim.control("queues/q")["ready"] == executed


def test_fault_omit_what_failed(sim, sqs, q):
    fault(sim, "omit_after", "DeleteMessageBatch")
    sent = sqs.delete_message_batch(QueueUrl=q, Entries=[{"Id": str(i), "ReceiptHandle": "none"} for i in range(2)])
    assert "Failed" not in sent and "Successful" not in sent


def test_fault_pretend(sim, sqs, q):
    """Named as done, and not done."""
    send(sqs, q)
    send(sqs, q)
    fault(sim, "pretend", "DeleteMessageBatch", upto=1)
    received = sqs.receive_message(QueueUrl=q, MaxNumberOfMessages=10)["Messages"]
    entries = [{"Id": str(i), "ReceiptHandle": m["ReceiptHandle"]} for i, m in enumerate(received)]
    assert [e["Id"] for e in sqs.delete_message_batch(QueueUrl=q, Entries=entries)["Successful"]] == ["0", "1"]
    counts = sim.control("queues/q")
    assert (counts["in_flight"], counts["deleted"]) == (1, 1)


def test_dials(sim, sqs, q):
    sim.control("dials", {"duplicate": 1, "shuffle": True})
    send(sqs, q)
    ids = {sqs.receive_message(QueueUrl=q, WaitTimeSeconds=1)["Messages"][0]["MessageId"] for _ in range(2)}
    assert len(ids) == 1
    sim.control("dials", {"duplicate": 0, "shuffle": False})
    assert sqs.receive_message(QueueUrl=q)["Messages"]
    assert "Messages" not in sqs.receive_message(QueueUrl=q)
    for spec in ({"duplicates": 1}, {"duplicate": "1"}, {"shuffle": 1}):
        with pytest.raises(urllib.error.HTTPError):
            sim.control("dials", spec)


def test_fault_wrong_md5(sim, sqs, q):
    fault(sim, "wrong_md5")
    assert send(sqs, q)["MD5OfMessageBody"] != hashlib.md5(b"m").hexdigest()
    fault(sim, "wrong_md5", "ReceiveMessage")
    m = sqs.receive_message(QueueUrl=q)["Messages"][0]
    assert m["MD5OfBody"] != hashlib.md5(b"m").hexdigest()


def test_fault_garbage(sim, q):
    fault(sim, "garbage")
    text = signed(sim, "SendMessage", {"QueueUrl": q, "MessageBody": "m"}).read()
    with pytest.raises(ValueError):
        json.loads(text)


def test_fault_huge_length(sim, q):
    fault(sim, "huge_length")
    answer = signed(sim, "SendMessage", {"QueueUrl": q, "MessageBody": "m"})
    assert answer.getheader("Content-Length") == str(1 << 30)
    assert sim.control("queues/q")["ready"] == 1


def test_fault_date_skew(sim, sqs, q):
    fault(sim, "date_skew", date_skew_s=600)
    answer = refused(sqs.send_message, "SignatureDoesNotMatch", "Signature expired", QueueUrl=q, MessageBody="m")
    assert "date" in answer["ResponseMetadata"]["HTTPHeaders"]


def test_fault_that_makes_no_sense(sim):
    for spec in ({"kind": "nonsense"}, {"kind": "status", "stauts": 500}):
        with pytest.raises(urllib.error.HTTPError):
            sim.control("faults", spec)


def test_inspection(sim, sqs, q):
    sqs.send_message(QueueUrl=q, MessageBody="m", MessageAttributes={"a": string("v")})
    sqs.send_message(QueueUrl=q, MessageBody="later", DelaySeconds=10)
    sqs.receive_message(QueueUrl=q)
    seen = sim.control("queues/q")
    assert (seen["ready"], seen["delayed"], seen["in_flight"]) == (0, 1, 1)
    assert seen["messages"][0]["attributes"] == {"a": {"type": "String", "value": "v"}}
    assert [m["state"] for m in seen["messages"]] == ["in_flight", "delayed"]
    sim.control("expire", {"queue": "q"})
    assert sim.control("queues/q")["ready"] == 1
    assert sim.control("stats")["calls"]["SendMessage"] == 2


def test_over_limit():
    sim = Sim("--max-in-flight", "2", "--queue", "q", "--queue", "q.fifo,ContentBasedDeduplication=true")
    sqs = sim.client()
    q = sqs.get_queue_url(QueueName="q")["QueueUrl"]
    for _ in range(3):
        send(sqs, q)
    assert len(sqs.receive_message(QueueUrl=q, MaxNumberOfMessages=2)["Messages"]) == 2
    refused(sqs.receive_message, "OverLimit", QueueUrl=q)
    sim.close()


def test_pipelining_and_continue(sim):
    """Two requests in one packet are answered in order; a body that asks first is told to go on."""
    host = sim.url.removeprefix("http://").split(":")
    head = b"GET /_sim/stats HTTP/1.1\r\nHost: x\r\n\r\n"
    asks = b"POST /_sim/advance HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 8\r\n\r\n"

    with socket.create_connection((host[0], int(host[1])), timeout=10) as s:
        s.sendall(head + head + asks)
        seen = b""
        while b"100 Continue" not in seen:
            seen += s.recv(65536)
        s.sendall(b'{"ms":0}')
        while b'{"ok":true}' not in seen:
            seen += s.recv(65536)
    assert seen.count(b"HTTP/1.1 200 OK") == 3
    assert seen.rindex(b"clock_offset_ms") < seen.index(b"100 Continue")


@pytest.mark.parametrize("head, status", [
    (b"POST / HTTP/1.1\r\nHost: x\r\n\r\n", b"411"),
    (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n", b"413"),
    (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", b"400"),
    (b"nonsense\r\n\r\n", b"400"),
])
def test_bad_http(sim, head, status):

    host, port = sim.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as s:
        s.sendall(head)
        assert s.recv(65536).split()[1] == status
