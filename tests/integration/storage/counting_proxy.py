"""A proxy before an S3 server that writes down each request: one read of an array is one ranged GET."""

import http.client
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Requests(list[tuple[str, str, str]]):
    """(method, path without query, Range) of each request."""

    def ranged(self) -> list[tuple[str, str, str]]:
        return [each for each in self if each[2]]


@contextmanager
def counting_proxy(address: str) -> Iterator[tuple[str, Requests]]:
    """Yield an endpoint that passes everything on to `address` (HOST:PORT), and the requests so far."""
    seen = Requests()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            seen.append((self.command, self.path.partition("?")[0], self.headers.get("Range", "")))
            behind = http.client.HTTPConnection(address)
            # The Host header passes unchanged: it is part of the signature.
            behind.request(self.command, self.path, body, dict(self.headers))
            answer = behind.getresponse()
            data = answer.read()
            behind.close()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in (
                    "content-length",
                    "transfer-encoding",
                    "connection",
                    "date",
                    "server",
                ):
                    self.send_header(name, value)
            self.send_header(
                "Content-Length",
                answer.getheader("Content-Length", "0") if self.command == "HEAD" else str(len(data)),
            )
            self.end_headers()
            self.wfile.write(data)

        do_HEAD = do_PUT = do_POST = do_DELETE = do_GET  # noqa: N815

        def log_message(self, *arguments: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", seen
        finally:
            server.shutdown()
            thread.join()
