"""What the verbs ask is what boto3 asks for the same: all 23 actions, body by body, and the headers that carry meaning."""
import base64
import json

import pytest

from tests.e2e.queue_verbs import Far

ARN = "arn:aws:sqs:us-east-1:123456789012:"
MEANING = ("content-type", "x-amz-target", "x-amzn-query-mode", "host")
RAW = bytes([0, 1, 254, 255])
TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"
REDRIVE = f'{{"deadLetterTargetArn":"{ARN}d","maxReceiveCount":10}}'
BY_QUEUE = f'{{"redrivePermission":"byQueue","sourceQueueArns":["{ARN}a","{ARN}b"]}}'
ATTRIBUTES = {
    "text": {"DataType": "String", "StringValue": "ä \t<&>"},
    "n": {"DataType": "Number.int", "StringValue": "42"},
    "raw": {"DataType": "Binary.png", "BinaryValue": RAW},
}
GIVEN = ["--attribute", "text=ä \t<&>", "--attribute", "n:Number.int=42", "--attribute",
         "raw:Binary.png=" + base64.b64encode(RAW).decode()]
TRACED = {"AWSTraceHeader": {"DataType": "String", "StringValue": TRACE}}
LINE = {"id": "b", "body": "two", "group": "g", "delay": 7, "trace_header": TRACE, "attributes": {
    "text": "ä \t<&>", "n": {"type": "Number.int", "value": "42"},
    "raw": {"type": "Binary.png", "value_base64": base64.b64encode(RAW).decode()}}}

# verb and operands (Q is the queue), boto3's method and arguments (the queue's URL is added where the verb names it)
CASES = {
    "create": (["create", "new"], "create_queue", {"QueueName": "new"}),
    "create-all": (
        ["create", "new", "--delay-seconds", "15m", "--maximum-message-size", "256KiB", "--message-retention-period", 1209600,
         "--receive-message-wait-time", 20, "--visibility-timeout", "12h", "--policy", '{"Version":"2012-10-17"}',
         "--kms-key", "alias/k", "--kms-data-key-reuse-period", "24h", "--dead-letter-queue", ARN + "d",
         "--redrive-allow", "byQueue", "--redrive-source", ARN + "a", "--redrive-source", ARN + "b", "--tag", "a=b",
         "--tag", "c="],
        "create_queue",
        {"QueueName": "new", "tags": {"a": "b", "c": ""}, "Attributes": {
            "DelaySeconds": "900", "MaximumMessageSize": "262144", "MessageRetentionPeriod": "1209600",
            "ReceiveMessageWaitTimeSeconds": "20", "VisibilityTimeout": "43200", "Policy": '{"Version":"2012-10-17"}',
            "KmsMasterKeyId": "alias/k", "KmsDataKeyReusePeriodSeconds": "86400", "RedrivePolicy": REDRIVE,
            "RedriveAllowPolicy": BY_QUEUE}}),
    "create-fifo": (
        ["create", "new.fifo", "--fifo", "--content-based-deduplication", "--deduplication-scope", "messageGroup",
         "--fifo-throughput-limit", "perMessageGroupId", "--sse-sqs", "--redrive-allow", "denyAll"],
        "create_queue",
        {"QueueName": "new.fifo", "Attributes": {
            "FifoQueue": "true", "ContentBasedDeduplication": "true", "DeduplicationScope": "messageGroup",
            "FifoThroughputLimit": "perMessageGroupId", "SqsManagedSseEnabled": "true",
            "RedriveAllowPolicy": '{"redrivePermission":"denyAll"}'}}),
    "set": (
        ["set", "Q", "--visibility-timeout", 0, "--sse-sqs=false", "--policy", "", "--dead-letter-queue", "",
         "--redrive-allow", "allowAll"],
        "set_queue_attributes",
        {"Attributes": {"VisibilityTimeout": "0", "SqsManagedSseEnabled": "false", "Policy": "", "RedrivePolicy": "",
                        "RedriveAllowPolicy": '{"redrivePermission":"allowAll"}'}}),
    "delete": (["delete", "Q", "--yes"], "delete_queue", {}),
    "purge": (["purge", "Q", "--yes"], "purge_queue", {}),
    "url": (["url", "q"], "get_queue_url", {"QueueName": "q"}),
    "url-account": (["url", "q", "--account", "123456789012"], "get_queue_url",
                    {"QueueName": "q", "QueueOwnerAWSAccountId": "123456789012"}),
    "list": (["list"], "list_queues", {}),
    "list-page": (["list", "--prefix", "a", "--max-results", 10, "--next-token", "t"], "list_queues",
                  {"QueueNamePrefix": "a", "MaxResults": 10, "NextToken": "t"}),
    "attributes": (["attributes", "Q"], "get_queue_attributes", {"AttributeNames": ["All"]}),
    "attributes-named": (["attributes", "Q", "QueueArn", "Policy"], "get_queue_attributes",
                         {"AttributeNames": ["QueueArn", "Policy"]}),
    "tags": (["tags", "Q"], "list_queue_tags", {}),
    "tag": (["tag", "Q", "a=b", "x=y=z"], "tag_queue", {"Tags": {"a": "b", "x": "y=z"}}),
    "untag": (["untag", "Q", "a", "b"], "untag_queue", {"TagKeys": ["a", "b"]}),
    "permit": (["permit", "Q", "l", "--to", "111111111111", "--to", "222222222222", "--action", "SendMessage", "--action", "*"],
               "add_permission",
               {"Label": "l", "AWSAccountIds": ["111111111111", "222222222222"], "Actions": ["SendMessage", "*"]}),
    "revoke": (["revoke", "Q", "l"], "remove_permission", {"Label": "l"}),
    "sources": (["sources", "Q", "--max-results", 3, "--next-token", "t"], "list_dead_letter_source_queues",
                {"MaxResults": 3, "NextToken": "t"}),
    "send": (["send", "Q", 'say "hello"\n\\ é 😀', *GIVEN, "--delay", 0, "--trace-header", TRACE, "--group", "tenant"], "send_message",
             {"MessageBody": 'say "hello"\n\\ é 😀', "MessageAttributes": ATTRIBUTES, "DelaySeconds": 0,
              "MessageSystemAttributes": TRACED, "MessageGroupId": "tenant"}),
    "send-fifo": (["send", "Q.fifo", "x", "--group", "g", "--deduplication-id", "d"], "send_message",
                  {"MessageBody": "x", "MessageGroupId": "g", "MessageDeduplicationId": "d"}),
    "send-batch": (["send-batch", "Q", "one", "two", "--id", "a", "--delay", 5], "send_message_batch",
                   {"Entries": [{"Id": "a", "MessageBody": "one", "DelaySeconds": 5},
                                {"Id": "2", "MessageBody": "two", "DelaySeconds": 5}]}),
    "send-batch-lines": (["send-batch", "Q"], "send_message_batch",
                         {"Entries": [{"Id": "b", "MessageBody": "two", "MessageGroupId": "g", "DelaySeconds": 7,
                                       "MessageAttributes": ATTRIBUTES, "MessageSystemAttributes": TRACED},
                                      {"Id": "2", "MessageBody": "three"}]}),
    "receive": (["receive", "Q"], "receive_message",
                {"MaxNumberOfMessages": 1, "MessageAttributeNames": ["All"], "MessageSystemAttributeNames": ["All"]}),
    "receive-all": (["receive", "Q", "--max", 10, "--wait", 0, "--visibility-timeout", 0, "--attempt-id", "a", "--attribute", "n.*",
                     "--attribute", "x", "--system-attribute", "SentTimestamp", "--system-attribute", "AWSTraceHeader"],
                    "receive_message",
                    {"MaxNumberOfMessages": 10, "WaitTimeSeconds": 0, "VisibilityTimeout": 0, "ReceiveRequestAttemptId": "a",
                     "MessageAttributeNames": ["n.*", "x"], "MessageSystemAttributeNames": ["SentTimestamp", "AWSTraceHeader"]}),
    "receive-none": (["receive", "Q", "--attribute", "", "--system-attribute", ""], "receive_message", {"MaxNumberOfMessages": 1}),
    "delete-message": (["delete-message", "Q", "handle+/="], "delete_message", {"ReceiptHandle": "handle+/="}),
    "delete-batch": (["delete-batch", "Q", "h1", "h2", "--id", "a", "--id", "b"], "delete_message_batch",
                     {"Entries": [{"Id": "a", "ReceiptHandle": "h1"}, {"Id": "b", "ReceiptHandle": "h2"}]}),
    "visibility": (["visibility", "Q", "30s", "h"], "change_message_visibility", {"ReceiptHandle": "h", "VisibilityTimeout": 30}),
    "visibility-batch": (["visibility-batch", "Q", 0, "h1", "h2"], "change_message_visibility_batch",
                         {"Entries": [{"Id": "1", "ReceiptHandle": "h1", "VisibilityTimeout": 0},
                                      {"Id": "2", "ReceiptHandle": "h2", "VisibilityTimeout": 0}]}),
    "redrive-start": (["redrive", "start", ARN + "d", "--to", ARN + "q", "--max-per-second", 500], "start_message_move_task",
                      {"SourceArn": ARN + "d", "DestinationArn": ARN + "q", "MaxNumberOfMessagesPerSecond": 500}),
    "redrive-list": (["redrive", "list", ARN + "d", "--max-results", 3], "list_message_move_tasks",
                     {"SourceArn": ARN + "d", "MaxResults": 3}),
    "redrive-cancel": (["redrive", "cancel", "task"], "cancel_message_move_task", {"TaskHandle": "task"}),
}
STDIN = {"send-batch-lines": json.dumps(LINE) + "\n" + json.dumps({"body": "three"}) + "\n"}
ACTIONS = 23


def test_every_action_is_here():
    assert len({method for _, method, _ in CASES.values()}) == ACTIONS


@pytest.mark.parametrize("case", CASES)
def test_as_boto3_asks(recorder, case):
    far = Far(recorder.endpoint)
    words, method, arguments = CASES[case]
    named = next((w for w in words if w in ("Q", "Q.fifo")), None)
    url = recorder.queue_url + (named or "")[1:]
    recorder.take()

    done = far.run(*[url if w == named else w for w in words], stdin=STDIN.get(case, ""))
    assert done.code == 0, done.err
    ours = recorder.take()
    getattr(far.boto, method)(**({"QueueUrl": url} if named else {}), **arguments)
    theirs = recorder.take()

    assert len(ours) == len(theirs) == 1
    assert ours[0][1] == theirs[0][1]
    for header in MEANING:
        assert ours[0][0].get(header) == theirs[0][0].get(header), header
