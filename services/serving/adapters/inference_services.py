"""KServe's objects in one namespace, by KServe's own client: created or updated from a manifest, told which policy to
serve, watched until that is so.

The policy is an annotation of the predictor's pods, which the chart hands to the room as RATCHET_SERVING__DEPLOYED. So
a change rolls the pods: a policy that does not load is never served, and a `helm upgrade` keeps what was deployed.
Invariant: a change is made to the state that was read, or not at all.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import urllib3
from kserve import KServeClient, V1beta1InferenceService
from kubernetes import watch
from kubernetes.client.exceptions import ApiException
from kubernetes.config import ConfigException
from pydantic import ValidationError

from services.common.errors import DeadlineExceeded, FailedPrecondition, InvalidArgument, NotFound, Unavailable
from services.serving.deployed import Deployed

GROUP, _VERSION, _KIND = "serving.kserve.io", "v1beta1", "InferenceService"
ANNOTATION = "ratchet.dev/deployed"
READY, PROGRESSING, FAILED = "Ready", "Progressing", "Failed"
# By kind, the one to have first.
_PLURALS = {"LLMInferenceService": "llminferenceservices", _KIND: "inferenceservices"}
_VARIABLE = "RATCHET_SERVING__DEPLOYED"
_ROOM = {"app.kubernetes.io/name": "ratchet", "app.kubernetes.io/component": "serving"}
_BAD_STATES = ("BlockedByFailedLoad", "InvalidSpec")


class NoKServe(FailedPrecondition):
    """There is no cluster with KServe, or none that lets us."""

    reason = "NO_KSERVE"


class ChangedMeanwhile(FailedPrecondition):
    """Somebody else changed the object between our look and our change."""

    reason = "CHANGED_MEANWHILE"


@dataclass(frozen=True)
class Serving:
    """An object of KServe as the API server has it."""

    kind: str
    name: str
    state: str
    # Why it is not ready.
    message: str
    url: str
    deployed: Deployed


class InferenceServices:
    """Every method blocks. They raise NoKServe, NotFound, ChangedMeanwhile and Unavailable."""

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace
        try:
            self._kserve = KServeClient(config_file=os.environ.get("KUBECONFIG"))
        except (ConfigException, OSError) as error:
            raise NoKServe(f"no cluster to talk to: {error}; name one in KUBECONFIG") from error
        self._api = self._kserve.api_instance

    def apply(self, manifests: Sequence[dict[str, Any]]) -> Serving:
        """Create or update, of manifests for one server, that of the kind that the cluster has.

        LLMInferenceService comes first. Raises InvalidArgument for other objects.
        """
        for body in manifests:
            _check(body, self._namespace)
        for kind in _PLURALS:
            for body in manifests:
                if body["kind"] == kind and self._has(body):
                    return self._put(body)
        kinds = ", ".join(f"{body['apiVersion']} {body['kind']}" for body in manifests)
        raise NoKServe(f"the cluster has none of {kinds}; install KServe, or give a manifest of the kind that it has")

    def get(self, name: str = "") -> Serving:
        """The InferenceService of that name; "" is the only one that runs the serving room."""
        return _serving(self._find(name))

    def change(self, name: str, to: Callable[[Deployed], Deployed]) -> Serving:
        """Deploy something else, worked out from what is deployed now."""
        found = self._find(name)
        before = _serving(found)
        variables = [each["name"] for each in _container(found).get("env", [])]
        if _VARIABLE not in variables:
            raise FailedPrecondition(
                f"{before.name} does not hand its annotation {ANNOTATION} to a serving room; run the room under KServe "
                "with the chart's values-kserve.yaml"
            )
        after = to(before.deployed)
        told = {ANNOTATION: after.model_dump_json()}
        return self._patch(
            {
                **{key: found[key] for key in ("apiVersion", "kind")},
                "metadata": {"name": before.name, "resourceVersion": found["metadata"]["resourceVersion"]},
                "spec": {"predictor": {"annotations": told}},
            }
        )

    def watch(self, seen: Serving, timeout_s: float) -> Iterator[Serving]:
        """It now and at every change, until it is ready.

        Raises FailedPrecondition when it cannot be, DeadlineExceeded.
        """
        version, deadline = self._version(seen.kind), time.monotonic() + timeout_s
        listing = (GROUP, version, self._namespace, _PLURALS[seen.kind])
        while (left := deadline - time.monotonic()) > 0:
            more = {"field_selector": f"metadata.name={seen.name}", "timeout_seconds": max(1, int(left))}
            try:
                for event in watch.Watch().stream(self._api.list_namespaced_custom_object, *listing, **more):
                    if event["type"] == "DELETED":
                        raise NotFound(f"{seen.name} was deleted")
                    yield (seen := _serving(event["object"]))
                    if seen.state == READY:
                        return
                    if seen.state == FAILED:
                        raise FailedPrecondition(
                            f"{seen.name} cannot serve this: {seen.message}; the pods of before go on, "
                            "`ratchet kserve rollback` goes back to them"
                        )
            except (ApiException, urllib3.exceptions.HTTPError) as error:
                raise _told(error) from error
        raise DeadlineExceeded(
            f"{seen.name} is not ready after {timeout_s:.0f} s: {seen.message or 'KServe has not looked at it'}; "
            "look again with `ratchet kserve status --watch`"
        )

    def _find(self, name: str) -> dict[str, Any]:
        if name:
            found: dict[str, Any] = self._call(self._kserve.get, name, namespace=self._namespace)
            return found
        items = self._call(self._kserve.get, namespace=self._namespace)["items"]
        rooms = [item for item in items if item["metadata"].get("labels", {}).items() >= _ROOM.items()]
        if len(rooms) != 1:
            names = ", ".join(item["metadata"]["name"] for item in rooms or items) or "none at all"
            raise NotFound(
                f"{len(rooms)} InferenceServices in {self._namespace} run the serving room ({names}); "
                "give the --name of one, or another --namespace"
            )
        return dict(rooms[0])

    def _has(self, body: Mapping[str, Any]) -> bool:
        try:
            found = self._api.get_api_resources(GROUP, body["apiVersion"].partition("/")[2])
        except ApiException as error:
            if error.status == 404:
                return False
            raise _told(error) from error
        except urllib3.exceptions.HTTPError as error:
            raise _told(error) from error
        return any(each.name == _PLURALS[body["kind"]] for each in found.resources)

    def _version(self, kind: str) -> str:
        if kind == _KIND:
            return _VERSION
        versions = ("v1alpha2", "v1alpha1")
        return next(each for each in versions if self._has({"apiVersion": f"{GROUP}/{each}", "kind": kind}))

    def _put(self, body: dict[str, Any]) -> Serving:
        try:
            if body["kind"] == _KIND:
                made = self._call(self._kserve.create, _typed(body), namespace=self._namespace)
            else:
                made = self._call(self._api.create_namespaced_custom_object, *self._path(body), body)
        except ChangedMeanwhile:
            return self._patch(body)
        return _serving(made)

    def _patch(self, body: dict[str, Any]) -> Serving:
        name = body["metadata"]["name"]
        if body["kind"] == _KIND:
            return _serving(self._call(self._kserve.patch, name, _typed(body), namespace=self._namespace))
        return _serving(self._call(self._api.patch_namespaced_custom_object, *self._path(body), name, body))

    def _path(self, body: Mapping[str, Any]) -> tuple[str, ...]:
        return GROUP, body["apiVersion"].partition("/")[2], self._namespace, _PLURALS[body["kind"]]

    def _call(self, call: Callable[..., Any], *arguments: Any, **more: Any) -> Any:
        try:
            return call(*arguments, **more)
        except RuntimeError as error:
            # KServe's client wraps what the API server said.
            if not isinstance(error.__context__, ApiException):
                raise
            raise _told(error.__context__) from error
        except (ApiException, urllib3.exceptions.HTTPError) as error:
            raise _told(error) from error


def _check(body: Mapping[str, Any], namespace: str) -> None:
    kind, version, metadata = body.get("kind"), str(body.get("apiVersion", "")), body.get("metadata") or {}
    if kind not in _PLURALS or version.partition("/")[0] != GROUP or not metadata.get("name"):
        raise InvalidArgument(
            f"{version} {kind} is not a {GROUP} {' or '.join(_PLURALS)} with a name; use kubectl for it"
        )
    if metadata.get("namespace", namespace) != namespace:
        raise InvalidArgument(
            f"{metadata['name']} is for {metadata['namespace']}; give --namespace {metadata['namespace']}"
        )


def _typed(body: Mapping[str, Any]) -> V1beta1InferenceService:
    fields = {"api_version": body["apiVersion"], **{key: body[key] for key in ("kind", "metadata", "spec")}}
    return V1beta1InferenceService(**fields)


def _container(found: Mapping[str, Any]) -> Mapping[str, Any]:
    containers: Sequence[Mapping[str, Any]] = found["spec"].get("predictor", {}).get("containers") or [{}]
    return containers[0]


def _serving(found: Mapping[str, Any]) -> Serving:
    name, status = found["metadata"]["name"], found.get("status") or {}
    state, message = _state(status, found["metadata"].get("generation", 0))
    told = found["spec"].get("predictor", {}).get("annotations", {}).get(ANNOTATION)
    try:
        deployed = Deployed.model_validate_json(told) if told else Deployed()
    except ValidationError as error:
        raise FailedPrecondition(
            f"the annotation {ANNOTATION} of {name} is unreadable ({error.errors()[0]['msg']}); remove it with kubectl"
        ) from error
    return Serving(found["kind"], name, state, message, status.get("url", ""), deployed)


def _state(status: Mapping[str, Any], generation: int) -> tuple[str, str]:
    if not status or status.get("observedGeneration", generation) < generation:
        return PROGRESSING, ""
    model = status.get("modelStatus") or {}
    transition = model.get("transitionStatus", "")
    if transition in _BAD_STATES:
        return FAILED, (model.get("lastFailureInfo") or {}).get("message", transition)
    ready: Mapping[str, Any] = next((each for each in status.get("conditions", []) if each["type"] == "Ready"), {})
    if ready.get("status") == "True" and transition in ("", "UpToDate"):
        return READY, ""
    return PROGRESSING, ready.get("message") or ready.get("reason") or transition


def _told(error: Exception) -> Exception:
    """What the API server's answer means for who asked."""
    if not isinstance(error, ApiException):
        return Unavailable(f"the cluster's API does not answer: {error}; see that KUBECONFIG names one that runs")
    try:
        said = json.loads(error.body)["message"]
    except (TypeError, ValueError, KeyError):
        said = error.reason
    if error.status == 404:
        return NotFound(f"the cluster says: {said}; is KServe installed, are --name and --namespace right?")
    if error.status == 409:
        return ChangedMeanwhile(f"{said}; look again with `ratchet kserve status`")
    if error.status in (401, 403):
        return NoKServe(f"{said}; your user needs get, list, watch, create and patch for inferenceservices.{GROUP}")
    if error.status == 429 or error.status >= 500:
        return Unavailable(f"the cluster's API answers {error.status} {said}; try again")
    return InvalidArgument(f"the cluster refuses it ({error.status}): {said}")
