"""The Open Inference Protocol v2, asked by KServe's own clients; what it answers is what our gRPC answers."""

from __future__ import annotations

import importlib
import socket
import sys
from contextlib import asynccontextmanager
from importlib.util import find_spec

import grpc
import httpx
import pytest

from services.common.rpc import AddressInUse
from services.serving.adapters.arguments import unread

if find_spec("kserve") is None:
    pytest.skip("KServe's package is not installed here: make setup", allow_module_level=True)
with unread():
    from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest, RESTConfig

PROMPTS = ["PAGE: [12] link 'Velmora Kettle' OBJECTIVE: find the price", "OBJECTIVE: go back"]


@pytest.fixture
def listen():
    """A free address."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{found.getsockname()[1]}"


@asynccontextmanager
async def rest(**more):
    async with InferenceRESTClient(RESTConfig(protocol="v2", timeout=30, **more)) as client:
        yield client


def ask(*texts, name="prompt", datatype="BYTES", shape=None, **parameters):
    tensor = InferInput(name=name, shape=shape or [len(texts)], datatype=datatype, data=list(texts))
    return InferRequest(model_name="ratchet", infer_inputs=[tensor], parameters={"max_new_tokens": 8, **parameters})


def columns(answer):
    """Its outputs by name."""
    return {
        each.name: [one.decode() if isinstance(one, bytes) else one for one in each.as_numpy().tolist()]
        for each in answer.outputs
    }


async def test_kserves_rest_client_gets_what_our_grpc_answers(open_rooms, base, adapters, listen):
    rooms = await open_rooms(model=str(base), v2_listen=listen)
    digest = await rooms.load(adapters[0][1])
    async with rest() as client:
        url = f"http://{listen}"
        assert await client.is_server_ready(url)
        assert await client.is_model_ready(url, "ratchet")
        for model, adapter in (("ratchet", ""), ("base", ""), (digest, digest)):
            ours = [await rooms.say(text, adapter=adapter, max_new_tokens=8) for text in PROMPTS]
            found = columns(await client.infer(url, ask(*PROMPTS), model_name=model))
            assert found["text"] == [one.text for one in ours]
            assert found["adapter"] == [adapter] * 2
            assert found["token_ids"] == [token for one in ours for token in one.response_token_ids]
            assert found["num_tokens"] == [one.num_response_tokens for one in ours]
            assert found["logprobs"] == pytest.approx(
                [each for one in ours for each in one.response_logprobs], abs=1e-3
            )
        sampled = await rooms.say(PROMPTS[0], max_new_tokens=8, temperature=1.5, seed=7)
        found = columns(await client.infer(url, ask(PROMPTS[0], temperature=1.5, seed=7), model_name="base"))
        assert found["text"] == [sampled.text]


async def test_kserves_grpc_client_is_answered_on_the_rooms_own_address(open_rooms, base, listen, tmp_path):
    rooms = await open_rooms(model=str(base), v2_listen=listen, v2_name="policy")
    async with InferenceGRPCClient(f"unix:{tmp_path}/serving.sock") as client:
        assert await client.is_server_ready()
        assert await client.is_model_ready("policy")
        asked = ask(PROMPTS[0].encode(), temperature="0")
        asked.model_name = "policy"
        found = columns(await client.infer(asked))
        assert found["text"] == [(await rooms.say(PROMPTS[0], max_new_tokens=8)).text]
        for wrong, code in (({"model_name": "nobody"}, grpc.StatusCode.NOT_FOUND),
                            ({"parameters": {"top_k": 3}}, grpc.StatusCode.INVALID_ARGUMENT)):  # fmt: skip
            asked = ask(PROMPTS[0].encode())
            asked.model_name = "policy"
            for key, value in wrong.items():
                setattr(asked, key, value)
            with pytest.raises(grpc.RpcError) as refused:
                await client.infer(asked)
            assert refused.value.code() == code, refused.value.details()


async def test_what_is_wrong_with_a_request_is_said_with_the_protocols_status(open_rooms, base, listen):
    await open_rooms(model=str(base), v2_listen=listen)
    unknown = "e" * 64
    wrong = [
        ("nobody", ask("x"), 404, "there is no model 'nobody'; there are ratchet, base"),
        (unknown, ask("x"), 404, f"adapter {unknown} is not loaded here"),
        ("base", ask("x", name="text"), 400, "the inputs are ['text']; give one, 'prompt'"),
        ("base", ask(1, datatype="INT32"), 400, "the input 'prompt' is INT32; send texts, as BYTES"),
        ("base", ask("x", "y", shape=[3]), 400, "the input 'prompt' is no tensor of shape [3]"),
        ("base", ask("x", top_k=5), 400, "there is no parameter 'top_k'; use max_new_tokens, temperature"),
        ("base", ask("x", temperature="hot"), 400, "the parameter temperature is 'hot', which is no number"),
        ("base", ask("x", temperature=9), 400, "temperature is 9.0; use 0 (greedy) to 2"),
        ("base", ask("x" * 4000), 400, "the model reads 256 with its response"),
    ]
    async with rest() as client:
        for model, request, status, message in wrong:
            with pytest.raises(httpx.HTTPStatusError) as refused:
                await client.infer(f"http://{listen}", request, model_name=model)
            assert refused.value.response.status_code == status
            assert message in refused.value.response.json()["error"]
    async with httpx.AsyncClient(base_url=f"http://{listen}/v2", trust_env=False) as plain:
        half = await plain.post("/models/base/infer", json={"inputs": [{"name": "prompt"}]})
        assert (half.status_code, "inputs.0.shape" in half.json()["error"]) == (400, True)
        assert (await plain.get("/models")).json() == {"models": ["ratchet", "base"]}
        shown = (await plain.get("/models/ratchet")).json()
        assert shown["inputs"] == [{"name": "prompt", "datatype": "BYTES", "shape": [-1]}]
        assert "logprobs" in [each["name"] for each in shown["outputs"]]


async def test_a_port_that_is_taken_is_named(open_rooms, base, listen):
    host, port = listen.split(":")
    with socket.socket() as taken:
        taken.bind((host, int(port)))
        taken.listen()
        with pytest.raises(AddressInUse, match=f"cannot listen on {listen} for v2.*serving.v2_listen"):
            await open_rooms(model=str(base), v2_listen=listen)


def test_kserve_does_not_read_the_command_line(monkeypatch):
    # It would take this for its own --configure_logging, and end the process.
    monkeypatch.setattr(sys, "argv", ["ratchet", "--config", "/etc/ratchet.toml", "serve", "serving"])
    monkeypatch.delitem(sys.modules, "kserve.model_server")
    with unread():
        importlib.import_module("kserve.model_server")
    assert sys.argv[1:] == ["--config", "/etc/ratchet.toml", "serve", "serving"]
