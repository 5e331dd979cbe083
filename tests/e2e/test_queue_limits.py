"""What SQS would refuse is refused before it is sent, in words that name the option or the entry."""
import pytest

from tests.e2e.queue_verbs import DATA, USAGE, Far

ARN = "arn:aws:sqs:us-east-1:123456789012:d"
TEN = [w for i in range(11) for w in ("--attribute", f"a{i}=x")]
REFUSED = {
    "name": (["create", "a b"], "1 to 80 letters"),
    "name-long": (["create", "a" * 81], "1 to 80 letters"),
    "fifo-name": (["create", "q", "--fifo"], ".fifo"),
    "delay": (["create", "q", "--delay-seconds", 901], "--delay-seconds: expected"),
    "size": (["create", "q", "--maximum-message-size", 1023], "--maximum-message-size: expected"),
    "retention": (["create", "q", "--message-retention-period", 59], "--message-retention-period: expected"),
    "wait": (["create", "q", "--receive-message-wait-time", 21], "--receive-message-wait-time: expected"),
    "visibility": (["create", "q", "--visibility-timeout", 43201], "--visibility-timeout: expected"),
    "reuse": (["create", "q", "--kms-key", "k", "--kms-data-key-reuse-period", 59], "--kms-data-key-reuse-period: expected"),
    "reuse-alone": (["create", "q", "--kms-data-key-reuse-period", 60], "needs --kms-key"),
    "both-encryptions": (["create", "q", "--kms-key", "k", "--sse-sqs"], "exclude each other"),
    "scope": (["create", "q", "--deduplication-scope", "queue"], "--deduplication-scope is for FIFO"),
    "scope-word": (["create", "q.fifo", "--deduplication-scope", "group"], "--deduplication-scope: expected"),
    "limit": (["create", "q.fifo", "--fifo-throughput-limit", "perMessageGroupId"], "needs --deduplication-scope"),
    "redrive-arn": (["create", "q", "--dead-letter-queue", "arn:aws:s3:::d"], "--dead-letter-queue: not the ARN"),
    "redrive-count": (["create", "q", "--dead-letter-queue", ARN, "--max-receive-count", 1001], "--max-receive-count: expected"),
    "redrive-count-alone": (["create", "q", "--max-receive-count", 3], "needs --dead-letter-queue"),
    "allow-none": (["create", "q", "--redrive-allow", "byQueue"], "one to ten"),
    "allow-many": (["create", "q", "--redrive-allow", "byQueue", *["--redrive-source", ARN] * 11], "one to ten"),
    "allow-wrong": (["create", "q", "--redrive-allow", "denyAll", "--redrive-source", ARN], "needs --redrive-allow byQueue"),
    "policy": (["create", "q", "--policy", "[]"], "--policy: the policy is not a JSON object"),
    "policy-long": (["create", "q", "--policy", '{"a":"' + "x" * 8200 + '"}'], "8192"),
    "tag": (["create", "q", "--tag", "=v"], "1 to 128"),
    "tag-reserved": (["create", "q", "--tag", "aws:a=v"], "reserved"),
    "tag-long": (["create", "q", "--tag", "k=" + "v" * 257], "256"),
    "tags-many": (["create", "q", *[w for i in range(51) for w in ("--tag", f"k{i}=v")]], "more than 50"),
    "label": (["permit", "q", "a b", "--to", "1" * 12, "--action", "*"], "not a label"),
    "account": (["permit", "q", "l", "--to", "12", "--action", "*"], "twelve digits"),
    "action": (["permit", "q", "l", "--to", "1" * 12, "--action", "DeleteQueue"], "cannot be permitted"),
    "actions-many": (["permit", "q", "l", "--to", "1" * 12, *["--action", "*"] * 8], "seven"),
    "body-empty": (["send", "Q", ""], "the body is empty"),
    "body-characters": (["send", "Q", "a\x01"], "control characters"),
    "body-long": (["send", "Q", "--file", "-"], "1048576"),
    "attributes-many": (["send", "Q", "x", *TEN], "10 at most"),
    "attribute-name": (["send", "Q", "x", "--attribute", "a b=x"], 'attribute "a b": the name'),
    "attribute-dots": (["send", "Q", "x", "--attribute", "a..b=x"], "dot"),
    "attribute-reserved": (["send", "Q", "x", "--attribute", "AWS.a=x"], "reserved"),
    "attribute-empty": (["send", "Q", "x", "--attribute", "a="], "the value is empty"),
    "attribute-type": (["send", "Q", "x", "--attribute", "a:Float=1"], "no such type"),
    "attribute-number": (["send", "Q", "x", "--attribute", "a:Number=1x"], "not a number"),
    "attribute-digits": (["send", "Q", "x", "--attribute", "a:Number=" + "1" * 39], "38"),
    "attribute-power": (["send", "Q", "x", "--attribute", "a:Number=1e127"], "10^126"),
    "attribute-base64": (["send", "Q", "x", "--attribute", "a:Binary=?"], "base64"),
    "attribute-twice": (["send", "Q", "x", "--attribute", "a=x", "--attribute", "a=y"], "twice"),
    "group": (["send", "Q", "x", "--group", "a b"], "the group"),
    "deduplication": (["send", "Q", "x", "--deduplication-id", "d"], "only FIFO queues"),
    "delay-message": (["send", "Q", "x", "--delay", 901], "--delay: expected"),
    "id": (["send-batch", "Q", "x", "--id", "a b"], "not an id"),
    "id-twice": (["send-batch", "Q", "x", "y", "--id", "a", "--id", "a"], "another in the same batch"),
    "line": (["send-batch", "Q"], "line 1: "),
    "max": (["receive", "Q", "--max", 11], "--max: expected"),
    "wait-receive": (["receive", "Q", "--wait", 21], "--wait: expected"),
    "system": (["receive", "Q", "--system-attribute", "Nothing"], "--system-attribute: there is no"),
    "attempt": (["receive", "Q", "--attempt-id", "a b"], "--attempt-id"),
    "handle": (["delete-message", "Q", ""], "empty"),
    "visibility-time": (["visibility", "Q", 43201, "h"], "TIME: expected"),
    "per-second": (["redrive", "start", ARN, "--max-per-second", 501], "--max-per-second: expected"),
    "arn-url": (["attributes", ARN], "not a queue URL"),
    "option": (["list", "--nothing"], "no such option"),
    "operands": (["send"], "usage:"),
    "verb": (["vanish"], "no such verb"),
}
LONG_INPUT = {"body-long": "x" * 1_048_577, "line": '{"body": "x", "delay": "soon"}\n'}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_before_it_is_sent(recorder, case):
    words, said = REFUSED[case]
    far = Far(recorder.endpoint)
    recorder.take()
    done = far.run(*[recorder.queue_url if w == "Q" else w for w in words], stdin=LONG_INPUT.get(case, ""))
    assert done.code in (USAGE, DATA), (done.code, done.err)
    assert said in done.err, done.err
    assert recorder.take() == []
