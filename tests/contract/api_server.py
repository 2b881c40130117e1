"""What every stand-in for a Kubernetes API server needs: an address of its own, a KUBECONFIG, answers in JSON."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class ApiServer(ThreadingHTTPServer):
    """Answers by its handler until it is closed; `start` when it has what that asks for."""

    daemon_threads = True

    def __init__(self, handler: type[ApiHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)

    def start(self) -> None:
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def kubeconfig(self) -> str:
        cluster = {"name": "c", "cluster": {"server": f"http://127.0.0.1:{self.server_port}"}}
        context = {"name": "x", "context": {"cluster": "c", "user": "u"}}
        named = {"clusters": [cluster], "contexts": [context], "users": [{"name": "u", "user": {}}]}
        return json.dumps({"apiVersion": "v1", "kind": "Config", "current-context": "x", **named})

    def close(self) -> None:
        self.shutdown()
        self.server_close()


class ApiHandler(BaseHTTPRequestHandler):
    """One request."""

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: object) -> None:
        pass
