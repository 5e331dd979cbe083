"""The credentials provider of AWS IoT Core: a client certificate against the credentials of a role alias."""
import re

from .exchange import Refusal, json_answer
from .service import Service

DEFAULT_S = 3600
_PATH = re.compile(r"/role-aliases/(?P<alias>[\w=,@-]{1,128})/credentials", re.ASCII)


class Iot(Service):
    name = "iot"
    names = {"id": "accessKeyId", "secret": "secretAccessKey", "token": "sessionToken", "expiration": "expiration"}

    def action(self, request):
        return "credentials" if request.path.startswith("/role-aliases/") else None

    def handle(self, request, rule, seen):
        """The server has checked the certificate's chain; without a certificate there is nobody to trust."""
        match = _PATH.fullmatch(request.path)
        thing = request.header("x-amzn-iot-thingname")
        seen.update(thing=thing, alias=match["alias"] if match else None)
        if request.peer is None:
            raise Refusal(403, "ForbiddenException", "Access Denied: no client certificate")
        if request.method != "GET" or not match or match["alias"] not in self.own["aliases"]:
            raise Refusal(404, "ResourceNotFoundException", "Role alias not found")
        if self.own["things"] is not None and thing not in self.own["things"]:
            raise Refusal(403, "ForbiddenException", "Access Denied: thing is not attached to the certificate")
        return json_answer(200, {"credentials": self.issue(request, rule, DEFAULT_S)})

    def refuse(self, status, code, message):
        return json_answer(status, {"message": message}, x_amzn_ErrorType=code)
