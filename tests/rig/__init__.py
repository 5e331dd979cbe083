"""Brokers and simulators for the tests, the demo and the benchmark. Needs nothing but Python's standard library.

    from tests.rig import Mosquitto
    with Mosquitto(folder) as broker:
        print(broker.url())
"""
from .certs import Certs
from .elasticmq import ElasticMQ
from .kafka import Kafka
from .mosquitto import Mosquitto
from .process import BUILD, ROOT, Server, StartFailed, Unavailable, free_ports, spawn, wait_until
from .simulators import CredentialsSim, KafkaMock, SqsSim

__all__ = [
    "BUILD", "Certs", "CredentialsSim", "ElasticMQ", "Kafka", "KafkaMock", "Mosquitto", "ROOT", "Server", "SqsSim",
    "StartFailed", "Unavailable", "free_ports", "spawn", "wait_until",
]
