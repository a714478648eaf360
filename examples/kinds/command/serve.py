"""A server of nobody's framework: it counts who rang, and needs no package."""

from __future__ import annotations

import argparse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PAGE = """<!doctype html>
<html lang="en">
<title>Bell</title>
<h1>It rang {count} times</h1>
<form method="post" action="ring"><button>Ring</button></form>
"""


class Bell(BaseHTTPRequestHandler):
    count = 0

    def do_GET(self) -> None:
        body = PAGE.format(count=Bell.count).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        Bell.count += 1
        self.send_response(303)
        self.send_header("Location", "./")
        self.end_headers()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    ThreadingHTTPServer(("127.0.0.1", parser.parse_args().port), Bell).serve_forever()
