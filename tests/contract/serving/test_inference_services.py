"""Policies on KServe's objects: what the command does to the chart's own InferenceService, and what it waits for."""

from __future__ import annotations

import copy
import json
import threading
from importlib.util import find_spec

import pytest
import yaml

from services.cli.__main__ import main
from services.serving.deployed import Deployed
from tests.charts.conftest import objects
from tests.contract.serving.kserve_cluster import Cluster

pytestmark = pytest.mark.skipif(
    find_spec("kserve") is None, reason="KServe's package is not installed here: make setup"
)

OLD, NEW = "0" * 64, "1" * 64
READY = {"conditions": [{"type": "Ready", "status": "True"}], "url": "http://demo-ratchet-serving.prod.example.com"}
LLM = {
    "apiVersion": "serving.kserve.io/v1alpha1",
    "kind": "LLMInferenceService",
    "metadata": {"name": "ratchet-model"},
    "spec": {"replicas": 1, "model": {"uri": "hf://Qwen/Qwen2.5-7B-Instruct"}},
}


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    found = Cluster({"v1beta1": "inferenceservices"})
    (tmp_path / "kubeconfig").write_text(found.kubeconfig())
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    yield found
    found.close()


@pytest.fixture
def chart(tmp_path):
    """The chart's InferenceService, in a file."""
    (found,) = [item for item in objects("kserve") if item["kind"] == "InferenceService"]
    (tmp_path / "chart.yaml").write_text(yaml.safe_dump(found))
    return found


@pytest.fixture
def kserve(tmp_path, capsys):
    """Runs `ratchet kserve` on the namespace: its exit code, document and what it noted."""

    def run(*line):
        code = main(["--home", str(tmp_path / "home"), "--json", "kserve", *line, "--namespace", "prod"])
        out, err = capsys.readouterr()
        return code, json.loads(out), err

    return run


@pytest.fixture
def change(cluster, chart):
    """Deploys as `ratchet kserve deploy` does when it has found the policy's adapter."""
    from services.host.clusters import inference_services

    cluster.keep("inferenceservices", copy.deepcopy(chart))
    return lambda to: inference_services("prod").change("", to)


def annotation(cluster):
    (body,) = cluster.objects.values()
    return Deployed.model_validate_json(body["spec"]["predictor"]["annotations"]["ratchet.dev/deployed"])


def test_a_canary_is_promoted_and_taken_back_on_the_charts_own_service(cluster, change, chart, kserve):
    assert kserve("status")[1]["deployed"] == Deployed().model_dump()
    change(lambda now: now.replaced(OLD))
    assert change(lambda now: now.canary(NEW, 20)).deployed == Deployed(policy=OLD, candidate=NEW, percent=20)
    assert annotation(cluster) == Deployed(policy=OLD, candidate=NEW, percent=20)
    code, told, _ = kserve("promote", "--detach")
    assert (code, told["name"], told["state"]) == (0, chart["metadata"]["name"], "Progressing")
    assert annotation(cluster) == Deployed(policy=NEW, previous=OLD)
    assert kserve("rollback", "--detach")[1]["deployed"]["policy"] == OLD
    assert annotation(cluster) == Deployed(policy=OLD, previous=NEW)
    (body,) = cluster.objects.values()
    del body["spec"]["predictor"]["annotations"]["ratchet.dev/deployed"]
    assert body["spec"] == chart["spec"], "and nothing else is touched"
    code, told, _ = kserve("promote")
    assert (code, told["error"]["reason"]) == (3, "NO_CANDIDATE")


def test_a_rollout_is_followed_until_its_pods_are_ready(cluster, change, kserve):
    change(lambda now: now.canary(NEW, 20))
    (name,) = (name for _, name in cluster.objects)

    def controller():
        cluster.wait(lambda: cluster.num_watches)
        cluster.wait(lambda: annotation(cluster).policy == NEW)
        waiting = {"type": "Ready", "status": "False", "message": "Deployment is rolling"}
        cluster.tell(name, conditions=[waiting], modelStatus={"transitionStatus": "InProgress"})
        cluster.tell(name, **READY, modelStatus={"transitionStatus": "InProgress"})
        cluster.tell(name, **READY, modelStatus={"transitionStatus": "UpToDate"})

    cluster.tell(name, **READY)
    thread = threading.Thread(target=controller)
    thread.start()
    code, told, noted = kserve("promote", "--timeout", "20")
    thread.join()
    assert (code, told["state"], told["url"]) == (0, "Ready", READY["url"])
    assert "Progressing Deployment is rolling" in noted
    assert noted.index("rolling") < noted.index("Ready\n"), "it did not take the status of before for an answer"


def test_a_person_is_told_what_is_deployed(cluster, change, tmp_path, capsys):
    seen = change(lambda now: now.canary(NEW, 20))
    cluster.tell(seen.name, **READY)
    assert main(["--home", str(tmp_path), "kserve", "status", "-n", "prod"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"service    InferenceService {seen.name}",
        "state      Ready",
        f"url        {READY['url']}",
        "adapter    base",
        f"candidate  {NEW[:12]} for 20 % of the episodes",
    ]


def test_a_policy_that_does_not_load_ends_the_wait_with_its_words(cluster, change, kserve):
    seen = change(lambda now: now.replaced(NEW))
    failure = {"message": "adapter does not fit the base"}
    cluster.tell(seen.name, modelStatus={"transitionStatus": "BlockedByFailedLoad", "lastFailureInfo": failure})
    code, told, _ = kserve("status", "--watch", "--timeout", "5")
    assert code == 3
    assert "adapter does not fit the base; the pods of before go on" in told["error"]["message"]
    assert "`ratchet kserve rollback`" in told["error"]["message"]
    cluster.tell(seen.name, conditions=[{"type": "Ready", "status": "False", "reason": "Scheduling"}])
    code, told, _ = kserve("status", "--watch", "--timeout", "1")
    assert (code, "is not ready after 1 s: Scheduling" in told["error"]["message"]) == (4, True), told


def test_a_manifest_is_applied_as_the_kind_that_the_cluster_has(cluster, chart, kserve, tmp_path):
    (tmp_path / "llm.yaml").write_text(yaml.safe_dump(LLM))
    both = ["apply", str(tmp_path / "chart.yaml"), str(tmp_path / "llm.yaml"), "--detach"]
    assert kserve(*both)[1]["kind"] == "InferenceService"
    assert list(cluster.objects) == [("inferenceservices", chart["metadata"]["name"])]
    cluster.plurals["v1alpha1"] = "llminferenceservices"
    assert kserve(*both)[1]["kind"] == "LLMInferenceService"
    cluster.tell("ratchet-model", "llminferenceservices", **READY)
    (tmp_path / "llm.yaml").write_text(yaml.safe_dump({**LLM, "spec": {**LLM["spec"], "replicas": 3}}))

    def controller():
        cluster.wait(lambda: cluster.num_watches)
        cluster.tell("ratchet-model", "llminferenceservices", **READY)

    thread = threading.Thread(target=controller)
    thread.start()
    code, told, _ = kserve(*both[:-1], "--timeout", "20")
    thread.join()
    assert (code, told["kind"], told["state"]) == (0, "LLMInferenceService", "Ready")
    assert cluster.objects["llminferenceservices", "ratchet-model"]["spec"]["replicas"] == 3
    cluster.plurals = {}
    assert "install KServe" in kserve(*both)[1]["error"]["message"]


def test_what_cannot_be_done_is_said_with_what_to_do(cluster, change, kserve, tmp_path, monkeypatch):
    (name,) = (name for _, name in cluster.objects)
    assert '"other" not found' in kserve("status", "--name", "other")[1]["error"]["message"]
    (tmp_path / "pod.yaml").write_text(json.dumps({**LLM, "kind": "ServingRuntime"}))
    assert "use kubectl for it" in kserve("apply", str(tmp_path / "pod.yaml"))[1]["error"]["message"]
    body = cluster.objects["inferenceservices", name]
    body["spec"]["predictor"]["containers"][0]["env"] = []
    assert "values-kserve.yaml" in kserve("rollback")[1]["error"]["message"]
    cluster.objects.clear()
    assert "(none at all); give the --name of one, or another --namespace" in kserve("status")[1]["error"]["message"]
    cluster.refused = "inferenceservices is forbidden"
    code, told, _ = kserve("status")
    assert (code, told["error"]["reason"]) == (3, "NO_KSERVE")
    assert "inferenceservices is forbidden; your user needs get, list, watch" in told["error"]["message"]
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "absent"))
    assert "name one in KUBECONFIG" in kserve("status")[1]["error"]["message"]


def test_two_who_change_it_at_once_do_not_undo_each_other(cluster, change):
    from services.host.clusters import inference_services

    def meanwhile(now):
        inference_services("prod").change("", lambda now: now.canary(NEW, 20))
        return now.replaced(OLD)

    with pytest.raises(Exception, match="has been modified; look again with `ratchet kserve status`"):
        change(meanwhile)
    assert annotation(cluster) == Deployed(candidate=NEW, percent=20)
