"""The credentials endpoint of containers: ECS (a path), and EKS pod identity (a token that changes with its file)."""
from pathlib import Path

from .exchange import Refusal, json_answer
from .service import Service

DEFAULT_S = 6 * 3600


class Container(Service):
    name = "container"
    names = {"id": "AccessKeyId", "secret": "SecretAccessKey", "token": "Token", "expiration": "Expiration"}

    def action(self, request):
        return "credentials" if request.path.startswith(("/v1/", "/v2/")) else None

    def handle(self, request, rule, seen):
        if request.method != "GET" or request.path not in self.own["paths"]:
            raise Refusal(404, "NotFound", "no credentials by this path")
        wanted = self._authorization()
        if wanted is not None and request.header("authorization") != wanted:
            raise Refusal(401, "AccessDeniedException", "Missing or invalid authorization token")
        fields = self.issue(request, rule, DEFAULT_S)
        return json_answer(200, {"RoleArn": self.own["role"], "AccountId": "123456789012", **fields})

    def _authorization(self):
        """The text of the file now, which wins; else the text given; None: nothing is asked for."""
        path = self.own["authorization_file"]
        return Path(path).read_text().strip() if path else self.own["authorization"]

    def refuse(self, status, code, message):
        return json_answer(status, {"code": code, "message": message})
