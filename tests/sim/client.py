"""Requests that the tests of the simulators make, signed by boto3 or plain."""
import http.client

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

ONE_TRY = {"retries": {"total_max_attempts": 1}, "read_timeout": 2}


def list_queues(sqs, key, secret, token):
    client = boto3.client(
        "sqs", endpoint_url=sqs.endpoint(), region_name="us-east-1", aws_access_key_id=key,
        aws_secret_access_key=secret, aws_session_token=token, config=Config(**ONE_TRY),
    )
    return client.list_queues()["QueueUrls"]


def code_of(call, *arguments, **named):
    with pytest.raises(ClientError) as caught:
        call(*arguments, **named)
    return caught.value.response["Error"]["Code"]


def send(sim, method, path, headers=None, body=None):
    connection = http.client.HTTPConnection(sim.endpoint().removeprefix("http://"), timeout=5)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def get(sim, path, headers=None):
    return send(sim, "GET", path, headers)
