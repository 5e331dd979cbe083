"""python -m tests.sim.credentials [--port N] [--tls CERT KEY [--tls-port N] [--client-ca FILE]] [--sqs URL]
       [--trust-anchor FILE] [--link-local ADDRESS]... [--exit-with-parent]

Prints `listening URL`, and the HTTPS URL after it where there is one, when it is ready; ends on SIGTERM. Link-local
addresses of AWS, port 80, are for a network namespace of its own.
"""
import argparse
import signal
import sys
import threading

from . import defaults
from .server import Server, tls_context
from .world import World


def options():
    parser = argparse.ArgumentParser(prog="credentials", description="Hands out AWS credentials, for tests.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"), help="serve https as well")
    parser.add_argument("--tls-port", type=int, default=0)
    parser.add_argument("--client-ca", help="client certificates must be of this authority")
    parser.add_argument("--sqs", help="the SQS simulator that learns the keys")
    parser.add_argument("--trust-anchor", help="PEM file, for Roles Anywhere")
    parser.add_argument("--link-local", action="append", default=[], metavar="ADDRESS", help="listen there, too")
    parser.add_argument("--exit-with-parent", action="store_true", help="end when stdin closes")
    return parser.parse_args()


def main():
    given = options()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    world = World(defaults.settings(given.sqs, given.trust_anchor))
    servers = [Server(world, given.port)]
    if given.tls:
        servers.append(Server(world, given.tls_port, tls_context(*given.tls, given.client_ca)))
    for server in servers + [Server(world, 80, host=address) for address in given.link_local]:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    if given.exit_with_parent:
        threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
    print("listening", *(server.url for server in servers), flush=True)
    stop.wait()


if __name__ == "__main__":
    main()
