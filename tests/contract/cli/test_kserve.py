"""`ratchet kserve deploy` by the names that `ratchet policies` shows."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from ratchet.orchestrator.v1.policy_service_pb2 import Policy
from services.orchestrator.database import open_database
from services.orchestrator.registry import Registry
from services.orchestrator.settings import OrchestratorSettings
from services.serving.deployed import Deployed
from tests.charts.conftest import objects
from tests.contract.cli.conftest import Said, end, start
from tests.contract.serving.kserve_cluster import Cluster

pytestmark = pytest.mark.skipif(
    find_spec("kserve") is None, reason="KServe's package is not installed here: make setup"
)
DIGEST = "7" * 64


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A host's, with the model and one policy that was made."""
    process = start(tmp_path / "home", "trajectory", "serving", "orchestrator")

    async def add() -> None:
        database = open_database(OrchestratorSettings().database(tmp_path / "home" / "orchestrator"))
        await database.start()
        made = Policy(name="policies/m8abc", kind="model", base_model="ratchet-tiny", adapter_digest=DIGEST)
        await Registry(database).create(made, "", active=False)
        await database.close()

    asyncio.run(add())
    yield tmp_path / "home"
    end(process)


def test_a_policy_is_deployed_by_any_name_that_it_has(
    ratchet: Callable[..., Said], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = Cluster({"v1beta1": "inferenceservices"})
    (tmp_path / "kubeconfig").write_text(cluster.kubeconfig())
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    (service,) = [item for item in objects("kserve") if item["kind"] == "InferenceService"]
    cluster.keep("inferenceservices", copy.deepcopy(service))

    def deploy(*line: str) -> Said:
        return ratchet("--json", "kserve", "deploy", *line, "--namespace", "prod", "--detach")

    try:
        for name in ("m8a", "policies/m8abc", "last"):
            done = deploy(name)
            assert done.code == 0, done.err
            assert json.loads(done.out)["deployed"] == Deployed(policy=DIGEST).model_dump(), name
        assert json.loads(deploy("base").out)["deployed"] == Deployed(previous=DIGEST).model_dump()
        canary = json.loads(deploy("m8a", "--canary", "10").out)["deployed"]
        assert canary == Deployed(previous=DIGEST, candidate=DIGEST, percent=10).model_dump()
        for name, words in (("expert", "has no model"), ("m9", "none of the policies is called 'm9'")):
            refused = deploy(name)
            assert refused.code != 0
            assert words in json.loads(refused.out)["error"]["message"]
    finally:
        cluster.close()
