"""python3 -m tests.fault.proxy --target PORT [--port PORT]: a TCP proxy on loopback that does harm on command.

It knows nothing of what it carries, so TLS makes no difference. "up" is from the client (the bridge) to the broker,
"down" are the answers. It prints `listening PORT CONTROL`; on the control port it takes one JSON object a line, and
answers each with one.

  {"do": "set", ...}   from now on, for all connections:
        delay_ms, jitter_ms     each chunk arrives so much later, in order
        rate                    bytes a second in each direction (0: no limit)
        slice                   writes of so many bytes, each a packet of its own (0: as they come)
        hole                    "up", "down" or "both": bytes vanish, and the connection stays open (half-open); "": none
        cut, cut_way, cut_how   a connection ends by "rst" or "fin" whenever so many more bytes have passed "up" or "down",
                                 give or take up to all of it, so that no protocol gets stuck at always the same byte
        flip                    one bit changes after so many more bytes upwards (a control: the verifier must see it)
  {"do": "rst"} {"do": "fin"}   ends all connections now
  {"do": "refuse"} {"do": "accept"}   stops listening, and all connections end by RST; the way back
  {"do": "move", "address": A}  listens there instead of at 127.0.0.1, and all connections end by RST
  {"do": "reset"}               no harm any more: holes close, connections that lost bytes end
  {"do": "stats"}               bytes up and down, connections open and ever made, cuts
"""
import argparse
import asyncio
import json
import random
import socket
import struct
import time
from dataclasses import asdict, dataclass

CHUNK = 65536
WAITING_CHUNKS = 64
NO_LINGER = struct.pack("ii", 1, 0)


@dataclass
class Harm:
    delay_ms: int = 0
    jitter_ms: int = 0
    rate: int = 0
    slice: int = 0
    hole: str = ""
    cut: int = 0
    cut_way: str = "up"
    cut_how: str = "rst"
    flip: int = 0


@dataclass
class Stats:
    up: int = 0
    down: int = 0
    connections: int = 0
    open: int = 0
    cuts: int = 0
    flips: int = 0


class Connection:
    def __init__(self, proxy, client, server):
        self.proxy, self.ends = proxy, (client, server)
        self.damaged = False

    async def run(self):
        (client_in, client_out), (server_in, server_out) = self.ends
        await asyncio.gather(self._pass("up", client_in, server_out), self._pass("down", server_in, client_out))

    async def _pass(self, way, reader, writer):
        """Reads on while what was read waits for its time, so that a delay costs no bandwidth."""
        waiting = asyncio.Queue(WAITING_CHUNKS)
        delivering = asyncio.create_task(self._deliver(way, waiting, writer))
        try:
            while chunk := await reader.read(CHUNK):
                await waiting.put((self._due(), chunk))
            await waiting.put((self._due(), b""))
            await delivering
        except OSError:
            self.end("rst")
        finally:
            delivering.cancel()

    def _due(self):
        harm = self.proxy.harm
        return time.monotonic() + (harm.delay_ms + random.uniform(0, harm.jitter_ms)) / 1000

    async def _deliver(self, way, waiting, writer):
        while True:
            due, chunk = await waiting.get()
            await asyncio.sleep(max(0, due - time.monotonic()))
            if self.proxy.harm.hole in (way, "both"):
                self.damaged = True  # the end of the stream vanishes, too
            elif chunk:
                await self._write(way, chunk, writer)
            else:
                writer.write_eof()
                return

    async def _write(self, way, chunk, writer):
        harm = self.proxy.harm
        step = harm.slice or len(chunk)
        for at in range(0, len(chunk), step):
            part, cut = self.proxy.count(way, chunk[at:at + step])
            writer.write(part)
            await writer.drain()
            if cut:
                self.end(harm.cut_how)
                return
            if harm.slice:
                await asyncio.sleep(0)
            if harm.rate:
                await asyncio.sleep(len(part) / harm.rate)

    def end(self, how):
        for _, writer in self.ends:
            if how == "rst":
                if not writer.transport.is_closing():
                    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
                writer.transport.abort()
            else:
                writer.close()


class Proxy:
    def __init__(self, target, port):
        self.target, self.port, self.address = target, port, "127.0.0.1"
        self.harm, self.stats = Harm(), Stats()
        self.connections = set()
        self.listener = None
        self.until_cut = 0

    async def accept(self):
        if self.listener is None:
            self.listener = await asyncio.start_server(self._connected, self.address, self.port)
            self.port = self.listener.sockets[0].getsockname()[1]

    def refuse(self):
        if self.listener:
            self.listener.close()
            self.listener = None
        self.end_all("rst")

    def end_all(self, how, only_damaged=False):
        for connection in list(self.connections):
            if connection.damaged or not only_damaged:
                connection.end(how)

    async def _connected(self, reader, writer):
        try:
            server = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        for w in (writer, server[1]):
            w.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = Connection(self, (reader, writer), server)
        self.connections.add(connection)
        self.stats.connections += 1
        try:
            await connection.run()
        finally:
            self.connections.discard(connection)
            connection.end("fin")

    def count(self, way, part):
        """What of these bytes goes on, and whether the connection ends there."""
        cut = False
        if self.harm.flip and way == "up":
            part = self._flip(part)
        if self.harm.cut and way == self.harm.cut_way:
            part, cut = self._cut(part)
        setattr(self.stats, way, getattr(self.stats, way) + len(part))
        return part, cut

    def _flip(self, part):
        if len(part) < self.harm.flip:
            self.harm.flip -= len(part)
            return part
        at = self.harm.flip - 1
        self.harm.flip, self.stats.flips = 0, self.stats.flips + 1
        return part[:at] + bytes([part[at] ^ 1]) + part[at + 1:]

    def _cut(self, part):
        """Up to the very byte: were whole chunks lost, a client that says much at once would never be heard."""
        if len(part) < self.until_cut:
            self.until_cut -= len(part)
            return part, False
        part = part[:self.until_cut]
        self._next_cut()
        self.stats.cuts += 1
        return part, True

    def _next_cut(self):
        self.until_cut = random.randint(1, max(1, 2 * self.harm.cut))

    async def obey(self, command):
        do = command.pop("do")
        if do == "set":
            self.harm = Harm(**{**asdict(self.harm), **command})
            self._next_cut()
        elif do == "reset":
            self.harm = Harm()
            await self.accept()
            self.end_all("rst", only_damaged=True)
        elif do == "accept":
            await self.accept()
        elif do == "refuse":
            self.refuse()
        elif do == "move":
            self.refuse()
            self.address = command["address"]
            await self.accept()
        elif do in ("rst", "fin"):
            self.end_all(do)
        elif do != "stats":
            raise ValueError(f"no such command: {do}")
        self.stats.open = len(self.connections)
        return asdict(self.stats)

    async def control(self, reader, writer):
        while line := await reader.readline():
            try:
                answer = await self.obey(json.loads(line))
            except (ValueError, TypeError, OSError) as e:
                answer = {"error": str(e)}
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()


async def serve(target, port):
    proxy = Proxy(target, port)
    await proxy.accept()
    control = await asyncio.start_server(proxy.control, "127.0.0.1", 0)
    print("listening", proxy.port, control.sockets[0].getsockname()[1], flush=True)
    await control.serve_forever()


def main():
    parser = argparse.ArgumentParser(prog="proxy", description=__doc__.partition("\n")[0])
    parser.add_argument("--target", type=int, required=True)
    parser.add_argument("--port", type=int, default=0)
    arguments = parser.parse_args()
    asyncio.run(serve(arguments.target, arguments.port))


if __name__ == "__main__":
    main()
