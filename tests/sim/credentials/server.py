"""The world behind HTTP and HTTPS."""
import http.server
import socket
import ssl
import sys

from .exchange import Request

MAX_BODY = 1 << 20


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server_version, sys_version = "credentials-sim", ""

    def serve(self):
        request = Request(self.command, self.path, self.headers.items(), self._body(), self._peer())
        answer = self.server.world.answer(request)
        if answer is None:
            self.close_connection = True
            return
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(answer.announced_length or len(answer.body)))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)
        if answer.announced_length:
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = serve

    def _body(self):
        return self.rfile.read(min(int(self.headers.get("Content-Length") or 0), MAX_BODY))

    def _peer(self):
        return self.connection.getpeercert(binary_form=True) if isinstance(self.connection, ssl.SSLSocket) else None

    def setup(self):
        """The handshake is made here, by the connection's own thread: one that stalls holds up nobody."""
        if isinstance(self.request, ssl.SSLSocket):
            self.request.settimeout(10)
            try:
                self.request.do_handshake()
            except ssl.SSLError:
                linger(self.request)
                raise
            self.request.settimeout(None)
        super().setup()

    def log_message(self, form, *arguments):
        pass  # the world keeps a log


def linger(connection):
    """Reads what the client still sends: to close before would take our alert away from it."""
    plain = socket.socket(fileno=connection.detach())
    with plain:
        plain.settimeout(2)
        plain.shutdown(socket.SHUT_WR)
        while plain.recv(4096):
            pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, world, port=0, tls=None, host="127.0.0.1"):
        """tls: an SSLContext, or None for plain HTTP."""
        super().__init__((host, port), Handler)
        self.world = world
        self.scheme = "https" if tls else "http"
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    @property
    def url(self):
        return f"{self.scheme}://{self.server_address[0]}:{self.server_port}"

    def handle_error(self, request, client_address):
        """A client that hangs up or refuses our certificate is no failure of ours; all else is."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def tls_context(certificate, key, client_ca=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    if client_ca:
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_verify_locations(client_ca)
    return context
