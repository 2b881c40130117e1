"""An operator that has nobody to watch ends at once, and its host with it, saying what to do."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from services.host import catalog
from services.host.main import host
from services.operator.adapters import kubernetes


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No KUBECONFIG, by name or at home."""
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    if kubernetes._NAMESPACE.exists():
        pytest.skip("this machine is a pod, with a cluster of its own")


async def test_it_asks_for_a_namespace(tmp_path: Path) -> None:
    with pytest.raises(kubernetes.NoCluster, match="RATCHET_OPERATOR__NAMESPACE"):
        async with host(tmp_path / "home", {}, ["operator"]):
            pass


async def test_it_asks_for_a_server_and_takes_its_host_along(tmp_path: Path) -> None:
    with pytest.raises(kubernetes.NoCluster, match="ServiceAccount token, or name a KUBECONFIG"):
        async with host(tmp_path / "home", {"operator": {"namespace": "ratchet"}}, ["operator"]):
            await asyncio.Event().wait()


def test_only_who_names_it_gets_it() -> None:
    assert "operator" not in catalog.select([])
    assert catalog.select(["operator"]) == ["operator"]
