"""Simulators of the services that hand out AWS credentials: STS, IAM Roles Anywhere, the instance metadata service
(IMDSv2), the container endpoint (ECS, EKS pod identity) and the credentials provider of AWS IoT.

Start it with `python -m tests.sim.credentials`; tests/sim/README.md describes the options and the control requests.
It shares no code with the bridge: signatures are checked by code of its own and by the `cryptography` package.
"""
