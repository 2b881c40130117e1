"""The part of a Kubernetes API server that KServe's objects meet: discovery, list, watch, read, create, merge patch.

It has no controller: `tell` writes a status as KServe's would. Bodies are kept as they come; versions count up.
"""

from __future__ import annotations

import json
import threading
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.contract.api_server import ApiHandler, ApiServer

_GROUP = "/apis/serving.kserve.io/"


class Cluster(ApiServer):
    """Serves the kinds of `plurals` ({version: plural}) while it is open."""

    def __init__(self, plurals: dict[str, str]) -> None:
        super().__init__(_Handler)
        self.plurals, self.refused = plurals, ""
        self.objects: dict[tuple[str, str], dict[str, Any]] = {}
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.num_watches = 0
        self.changed = threading.Condition()
        self.start()

    def keep(self, plural: str, body: dict[str, Any], *, spec_changed: bool = True) -> dict[str, Any]:
        with self.changed:
            metadata = body["metadata"]
            generation = metadata.get("generation", 0) + spec_changed
            metadata |= {"generation": generation, "resourceVersion": str(len(self.events) + 1)}
            self.objects[plural, metadata["name"]] = body
            self.events.append((plural, json.loads(json.dumps(body))))
            self.changed.notify_all()
        return body

    def tell(self, name: str, plural: str = "inferenceservices", **status: Any) -> None:
        """What KServe finds out of the present generation."""
        body = self.objects[plural, name]
        body["status"] = {"observedGeneration": body["metadata"]["generation"], **status}
        self.keep(plural, body, spec_changed=False)

    def wait(self, until: Any) -> None:
        with self.changed:
            assert self.changed.wait_for(until, 30)


class _Handler(ApiHandler):
    server: Cluster

    def do_GET(self) -> None:
        if self.server.refused:
            return self._fail(403, self.server.refused)
        url = urlsplit(self.path)
        version, _, rest = url.path.removeprefix(_GROUP).partition("/")
        plural = self.server.plurals.get(version)
        if plural is None:
            return self._fail(404, "the server could not find the requested resource")
        if not rest:
            found = {"kind": "APIResourceList", "groupVersion": f"serving.kserve.io/{version}"}
            one = {"name": plural, "singularName": "", "namespaced": True, "kind": "X", "verbs": ["get"]}
            return self._answer(200, {**found, "resources": [one]})
        # namespaces/NAMESPACE/PLURAL[/NAME]
        name = rest.split("/")[3:]
        if name:
            if body := self.server.objects.get((plural, name[0])):
                return self._answer(200, body)
            return self._fail(404, f'{plural}.serving.kserve.io "{name[0]}" not found')
        query = parse_qs(url.query)
        if "watch" in query:
            return self._watch(plural, query["fieldSelector"][0].removeprefix("metadata.name="))
        items = [body for (of, _), body in self.server.objects.items() if of == plural]
        return self._answer(200, {"kind": "List", "items": items})

    def do_POST(self) -> None:
        plural, body = self.path.rpartition("/")[2], self._body()
        if (plural, body["metadata"]["name"]) in self.server.objects:
            return self._fail(409, f'"{body["metadata"]["name"]}" already exists')
        return self._answer(201, self.server.keep(plural, body))

    def do_PATCH(self) -> None:
        assert self.headers["Content-Type"] == "application/merge-patch+json"
        plural, name = self.path.split("/")[-2:]
        body, patch = self.server.objects[plural, name], self._body()
        version = patch.get("metadata", {}).get("resourceVersion", body["metadata"]["resourceVersion"])
        if version != body["metadata"]["resourceVersion"]:
            return self._fail(409, "the object has been modified")
        return self._answer(200, self.server.keep(plural, _merged(body, patch)))

    def _watch(self, plural: str, name: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        mine = [
            at for at, (of, body) in enumerate(self.server.events) if (of, body["metadata"]["name"]) == (plural, name)
        ]
        number = mine[-1] if mine else len(self.server.events)
        with self.server.changed:
            self.server.num_watches += 1
            self.server.changed.notify_all()
        while (event := self._event(number)) is not None:
            number += 1
            if (event[0], event[1]["metadata"]["name"]) == (plural, name):
                self.wfile.write(json.dumps({"type": "MODIFIED", "object": event[1]}).encode() + b"\n")
                self.wfile.flush()

    def _event(self, number: int) -> tuple[str, dict[str, Any]] | None:
        with self.server.changed:
            found = self.server.changed.wait_for(lambda: len(self.server.events) > number, 10)
            return self.server.events[number] if found else None

    def _body(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        return found

    def _fail(self, status: int, message: str) -> None:
        self._answer(status, {"kind": "Status", "message": message, "code": status})


def _merged(base: Any, patch: Any) -> Any:
    """RFC 7396."""
    if not isinstance(base, dict) or not isinstance(patch, dict):
        return patch
    both = {key: _merged(base.get(key), value) for key, value in patch.items() if value is not None}
    return {**{key: value for key, value in base.items() if key not in patch}, **both}
