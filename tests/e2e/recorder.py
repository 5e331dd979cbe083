"""A server that writes down what it is asked in SQS's JSON protocol, and answers as SQS would at best."""
import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MESSAGE = {"MessageId": "m-1", "ReceiptHandle": "handle-1", "Body": "x", "MD5OfBody": hashlib.md5(b"x").hexdigest()}


def results(request):
    return {"Successful": [{"Id": e["Id"], "MessageId": "m"} for e in request["Entries"]]}


def answer_to(action, request, url):
    urls = {"QueueUrls": [url]}
    answers = {
        "CreateQueue": {"QueueUrl": url}, "GetQueueUrl": {"QueueUrl": url}, "ListQueues": urls,
        "ListDeadLetterSourceQueues": {"queueUrls": [url]},
        "GetQueueAttributes": {"Attributes": {"QueueArn": "arn:aws:sqs:us-east-1:123456789012:q", "DelaySeconds": "7"}},
        "ListQueueTags": {"Tags": {"a": "b"}}, "SendMessage": {"MessageId": "m"}, "ReceiveMessage": {"Messages": [MESSAGE]},
        "StartMessageMoveTask": {"TaskHandle": "task"}, "CancelMessageMoveTask": {"ApproximateNumberOfMessagesMoved": 3},
        "ListMessageMoveTasks": {"Results": [{"Status": "COMPLETED", "SourceArn": "arn:aws:sqs:us-east-1:1:d"}]},
    }
    return results(request) if action.endswith("Batch") else answers.get(action)


class Recorder:
    def __init__(self):
        self.requests = []
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                recorder.requests.append((dict(self.headers), body))
                action = self.headers["X-Amz-Target"].partition(".")[2]
                answer = answer_to(action, json.loads(body), recorder.queue_url)
                content = b"" if answer is None else json.dumps(answer).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/x-amz-json-1.0")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.server.server_port}"

    @property
    def queue_url(self):
        return f"{self.endpoint}/123456789012/q"

    def take(self):
        """What was asked since the last call: headers in lower case, and the body as JSON."""
        taken, self.requests = self.requests, []
        return [({name.lower(): value for name, value in headers.items()}, json.loads(body)) for headers, body in taken]

    def close(self):
        self.server.shutdown()
        self.server.server_close()
