"""KServe's objects of a cluster, for whoever deploys policies to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.serving.adapters.arguments import unread

if TYPE_CHECKING:
    from services.serving.adapters.inference_services import InferenceServices


def inference_services(namespace: str) -> InferenceServices:
    """Those of a namespace, by the KUBECONFIG or a pod's ServiceAccount. Raises FailedPrecondition without KServe."""
    with unread():
        from services.serving.adapters.inference_services import InferenceServices
    return InferenceServices(namespace)
