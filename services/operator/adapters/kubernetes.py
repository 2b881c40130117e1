"""SelfImprovements over the API server: kopf watches, retries, keeps finalizers and posts Events; we only answer.

Kopf runs in a thread with a loop of its own, because at its end it cancels every task of its loop; what is asked of the
orchestrator runs in the host's. It watches one namespace and no definitions, so that a namespaced Role is enough.
Invariant: a resource whose run may be running has our finalizer; one whose run has ended, or was refused, has not.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import kopf

from services.common.errors import FailedPrecondition, Unavailable
from services.common.telemetry import log
from services.operator import status as words
from services.operator.reconciling import Outcome, Reconciler, Resource
from services.operator.settings import OperatorSettings

KIND = ("ratchet.dev", "v1alpha1", "selfimprovements")
PREFIX = "operator.ratchet.dev"
# Set, or set to something else, it has a run that failed or was cancelled go on.
RESUME = "ratchet.dev/resume"
_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_REQUEST_S = 30.0
_READY_S = 60.0
Answer = Callable[[Resource], Coroutine[Any, Any, Outcome]]


class NoCluster(FailedPrecondition):
    """There is no cluster to watch, or none that lets us."""

    reason = "NO_CLUSTER"


@asynccontextmanager
async def watching(reconciler: Reconciler, settings: OperatorSettings) -> AsyncIterator[None]:
    """Answer for the resources while the block runs. Raises NoCluster and Unavailable, in the block too."""
    namespace = settings.namespace or _own_namespace()
    stop, ready, ending = threading.Event(), threading.Event(), False
    registry = _registry(reconciler, settings, asyncio.get_running_loop())
    served = asyncio.create_task(asyncio.to_thread(_serve, registry, namespace, settings.liveness, stop, ready))
    owner = asyncio.current_task()
    assert owner is not None
    # What ends before it is told to has failed, and the block with it.
    served.add_done_callback(lambda _: None if ending else owner.cancel())
    try:
        if not await asyncio.to_thread(ready.wait, _READY_S):
            raise Unavailable(f"the operator did not start within {_READY_S:.0f} s; its log says what it waits for")
        log().info("watching", resource=".".join((KIND[2], KIND[0])), namespace=namespace)
        yield
    finally:
        ending = True
        stop.set()
        ready.set()
        await served


def _own_namespace() -> str:
    try:
        return _NAMESPACE.read_text().strip()
    except OSError:
        raise NoCluster("not in a pod: set RATCHET_OPERATOR__NAMESPACE to the namespace to watch") from None


def _serve(
    registry: kopf.OperatorRegistry, namespace: str, liveness: str, stop: threading.Event, ready: threading.Event
) -> None:
    handler = _Log(stop)
    logger = logging.getLogger("kopf")
    logger.addHandler(handler)
    logger.propagate = False
    try:
        asyncio.run(_operate(registry, namespace, liveness, stop, ready))
        if handler.unresolved:
            raise NoCluster(
                f"the cluster has no {KIND[2]}.{KIND[0]}: kubectl apply --server-side -f charts/ratchet/crds, then "
                "start the operator again"
            )
    except kopf.LoginError as error:
        raise NoCluster(
            "no API server lets us in: run in a pod with a ServiceAccount token, or name a KUBECONFIG whose user may "
            f"list and patch selfimprovements.ratchet.dev in {namespace} ({error})"
        ) from error
    except (aiohttp.ClientError, OSError) as error:
        raise Unavailable(f"the API server went away: {error}") from error
    finally:
        logger.removeHandler(handler)


async def _operate(
    registry: kopf.OperatorRegistry, namespace: str, liveness: str, stop: threading.Event, ready: threading.Event
) -> None:
    try:
        await kopf.operator(
            registry=registry,
            standalone=True,
            namespaces=[namespace],
            liveness_endpoint=liveness or None,
            stop_flag=stop,
            ready_flag=ready,
        )
    finally:
        # A thread of this loop waits for it.
        stop.set()


def _registry(reconciler: Reconciler, own: OperatorSettings, loop: asyncio.AbstractEventLoop) -> kopf.OperatorRegistry:
    """Who answers for what happens to a resource."""
    registry = kopf.OperatorRegistry()

    def answering(answer: Answer) -> Callable[..., Awaitable[None]]:
        async def handle(*, patch: kopf.Patch, body: kopf.Body, **_: Any) -> None:
            called = asyncio.run_coroutine_threadsafe(answer(_seen(body)), loop)
            _apply(await asyncio.wrap_future(called), patch, body)

        return handle

    async def host_answers(**_: Any) -> None:
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop))

    kopf.on.startup(registry=registry)(_configure)
    kopf.on.probe(registry=registry, id="host")(host_answers)
    kopf.on.login(registry=registry)(_login)
    begin = answering(reconciler.begin)
    kopf.on.create(*KIND, registry=registry, id="begin")(begin)
    kopf.on.update(*KIND, registry=registry, id="begin-again", field="spec", when=_is_in(words.REFUSED))(begin)
    kopf.on.update(
        *KIND,
        registry=registry,
        id="resume",
        annotations={RESUME: kopf.PRESENT},
        field=("metadata", "annotations", RESUME),
        when=_is_in(*words.RESUMABLE),
    )(answering(reconciler.resume))
    kopf.on.timer(*KIND, registry=registry, id="follow", interval=own.follow_s, when=_is_in(words.RUNNING))(
        answering(reconciler.follow)
    )
    # A resource without a state may have a run that was started and not yet told.
    kopf.on.delete(*KIND, registry=registry, id="end", when=_is_in("", words.PENDING, words.RUNNING))(
        answering(reconciler.end)
    )
    return registry


def _is_in(*states: str) -> Callable[..., bool]:
    def is_in(*, status: kopf.Status, **_: Any) -> bool:
        return str(status.get("state", "")) in states

    return is_in


def _seen(body: kopf.Body) -> Resource:
    return Resource(
        uid=str(body.metadata.uid),
        name=str(body.metadata.name),
        spec=dict(body.spec),
        status=dict(body.status),
        generation=int(body.metadata.get("generation", 1)),
    )


def _apply(outcome: Outcome, patch: kopf.Patch, body: kopf.Body) -> None:
    patch.status.update(outcome.status)
    for note in outcome.notes:
        kind = "Warning" if note.is_warning else "Normal"
        kopf.event(body, type=kind, reason=note.reason, message=note.message)
    if outcome.refused:
        raise kopf.PermanentError(outcome.refused)
    if outcome.retry_s is not None:
        raise kopf.TemporaryError("see the resource's conditions", delay=outcome.retry_s)


async def _configure(*, settings: kopf.OperatorSettings, **_: Any) -> None:
    settings.scanning.disabled = True
    settings.persistence.finalizer = f"{PREFIX}/cancel"
    settings.persistence.progress_storage = kopf.AnnotationsProgressStorage(prefix=PREFIX)
    settings.persistence.diffbase_storage = kopf.AnnotationsDiffBaseStorage(prefix=PREFIX)
    settings.posting.reporting_component = "ratchet-operator"
    settings.posting.event_name_prefix = "ratchet-"
    settings.networking.request_timeout = _REQUEST_S
    # The process is the host's to end.
    settings.process.ultimate_exiting_timeout = None


def _login(**kwargs: Any) -> kopf.ConnectionInfo | None:
    return kopf.login_with_service_account(**kwargs) or kopf.login_with_kubeconfig(**kwargs)


class _Log(logging.Handler):
    """Kopf's lines among ours; what it says at every step is only for debugging.

    A kind that the cluster lacks it only warns of, and would never look for again: the operator is stopped then.
    """

    def __init__(self, stop: threading.Event) -> None:
        super().__init__()
        self._stop, self.unresolved = stop, False

    def emit(self, record: logging.LogRecord) -> None:
        if record.getMessage().startswith("Unresolved resources"):
            self.unresolved = True
            self._stop.set()
        # What a handler raised on purpose has been told already; in a thread, signals are the host's.
        told = record.name == "kopf.objects" and not record.exc_info
        expected = told or record.getMessage().startswith("OS signals are ignored")
        level = logging.DEBUG if expected or record.levelno < logging.WARNING else record.levelno
        about = getattr(record, "k8s_ref", None) or {}
        named = {"resource": about["name"]} if "name" in about else {}
        log().log(level, record.getMessage(), source=record.name, exc_info=record.exc_info, **named)
