"""The objects of a Kubernetes namespace that run training jobs."""

from __future__ import annotations

import json
import os
from typing import Any

import urllib3
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException

from services.common.errors import FailedPrecondition, Unavailable
from services.training.adapters.manifests import Resource

_CALL_S = 30.0


class JobRefused(FailedPrecondition):
    """The cluster does not take the Job."""

    reason = "JOB_REFUSED"


class Cluster:
    """Objects of one namespace. Every method blocks. Raises JobRefused, Unavailable."""

    def __init__(self, namespace: str) -> None:
        own = client.Configuration()
        try:
            if "KUBERNETES_SERVICE_HOST" in os.environ and "KUBECONFIG" not in os.environ:
                config.load_incluster_config(client_configuration=own)
            else:
                config.load_kube_config(os.environ.get("KUBECONFIG"), client_configuration=own)
        except config.ConfigException as error:
            raise FailedPrecondition(
                f"training.launcher wants Jobs, but there is no cluster to talk to: {error}; run in one with a service "
                "account, set KUBECONFIG, or set training.launcher to process"
            ) from error
        own.retries = False
        self._objects, self._namespace = client.CustomObjectsApi(client.ApiClient(own)), namespace

    def create(self, of: Resource, body: dict[str, Any]) -> None:
        """Idempotent: one that is there stays as it is."""
        self._call(409, of, self._objects.create_namespaced_custom_object, body)

    def read(self, of: Resource, name: str) -> dict[str, Any] | None:
        """The object; None where there is none."""
        found: dict[str, Any] | None = self._call(404, of, self._objects.get_namespaced_custom_object, name)
        return found

    def delete(self, of: Resource, name: str) -> None:
        """With its pods, which get their time to keep a checkpoint. Idempotent."""
        self._call(404, of, self._objects.delete_namespaced_custom_object, name, propagation_policy="Background")

    def labelled(self, of: Resource, label: str) -> list[dict[str, Any]]:
        """Those that have the label."""
        found = self._call(0, of, self._objects.list_namespaced_custom_object, label_selector=label)
        items: list[dict[str, Any]] = found["items"]
        return items

    def _call(self, expected: int, of: Resource, call: Any, *arguments: Any, **more: Any) -> Any:
        try:
            return call(of.group, of.version, self._namespace, of.plural, *arguments, **more, _request_timeout=_CALL_S)
        except ApiException as error:
            if error.status == expected:
                return None
            if error.status == 429 or error.status >= 500:
                raise Unavailable(f"the cluster's API answers {error.status} {error.reason}; asked again") from error
            raise JobRefused(
                f"the cluster refuses a {of.kind} ({error.status} {error.reason}): {_why(error)}; check the room's "
                f"Role ({of.plural}.{of.group}), that the cluster has this kind, and training.job"
            ) from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise Unavailable(f"the cluster's API does not answer: {error}; asked again") from error


def _why(error: ApiException) -> str:
    try:
        return str(json.loads(error.body)["message"])
    except (TypeError, ValueError, KeyError):
        return str(error.body)
