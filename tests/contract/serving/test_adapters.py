"""Adapters: loaded by digest, chosen per request, refused when they do not fit."""

import asyncio
import json
import shutil
import tarfile

import pytest
import torch
from peft import PeftModel
from transformers import PreTrainedTokenizerFast, Qwen2ForCausalLM

from ratchet.serving.v1 import serving_service_pb2 as pb
from services.common.errors import InvalidArgument, NotFound, RatchetError
from services.serving.adapters import variants
from services.serving.adapters.variants import Variants

TEXT = "PAGE: [12] link 'Velmora Kettle' OBJECTIVE: find the price"


def expected(base, adapter=None):
    """Greedy by transformers and PEFT themselves."""
    ids = PreTrainedTokenizerFast.from_pretrained(base)(TEXT, return_tensors="pt").input_ids
    model = Qwen2ForCausalLM.from_pretrained(base)
    model = model if adapter is None else PeftModel.from_pretrained(model, adapter)
    with torch.no_grad():
        out = model.eval().generate(input_ids=ids, max_new_tokens=12, do_sample=False, pad_token_id=0)
    return out[0, ids.shape[1] :].tolist()


async def listed(rooms):
    return list((await rooms.serving.ListAdapters(pb.ListAdaptersRequest())).digests)


async def test_base_and_adapter_rows_side_by_side_each_get_their_own_answer(rooms, base, adapters):
    digests = ["", *[await rooms.load(archive) for _, archive in adapters]]
    wanted = [expected(base), *[expected(base, directory) for directory, _ in adapters]]
    assert len({tuple(answer) for answer in wanted}) == 3
    answers = await asyncio.gather(*(rooms.say(TEXT, adapter=digests[index % 3]) for index in range(12)))
    for index, answer in enumerate(answers):
        assert list(answer.response_token_ids) == wanted[index % 3]


async def test_the_adapter_unused_for_longest_is_evicted_and_comes_back_when_asked(
    make, open_rooms, base, adapters, tmp_path
):
    rooms = await open_rooms(model=str(base), max_adapters=2)
    third = make.archive(make.adapter(base, tmp_path / "third", seed=7))
    first, second = [await rooms.load(archive) for _, archive in adapters]
    await rooms.say(TEXT, adapter=first)
    newest = await rooms.load(third)
    assert await listed(rooms) == [first, newest]
    answer = await rooms.say(TEXT, adapter=second)
    assert list(answer.response_token_ids) == expected(base, adapters[1][0])
    assert await listed(rooms) == [newest, second]


async def test_an_adapter_that_only_another_replica_was_told_of_is_fetched_by_its_digest(make, rooms, base, tmp_path):
    # One that no other test unloaded from the host that they share: that would stay away.
    directory = make.adapter(base, tmp_path / "adapter", seed=9)
    archive = make.archive(directory)
    digest, _ = await rooms.put(archive)
    assert await listed(rooms) == []
    answers = await asyncio.gather(*(rooms.say(TEXT, adapter=digest) for _ in range(4)))
    assert {tuple(answer.response_token_ids) for answer in answers} == {tuple(expected(base, directory))}
    assert await listed(rooms) == [digest]


async def test_an_adapter_unloaded_under_a_request_serves_it_to_its_end(rooms, base, adapters):
    directory, archive = adapters[0]
    digest = await rooms.load(archive)
    running = [asyncio.ensure_future(rooms.say(TEXT, adapter=digest)) for _ in range(8)]
    await rooms.serving.UnloadAdapter(pb.UnloadAdapterRequest(digest=digest))
    done = await asyncio.gather(*running, return_exceptions=True)
    for answer in done:
        if not isinstance(answer, NotFound):
            assert list(answer.response_token_ids) == expected(base, directory)
    assert await listed(rooms) == []
    assert await rooms.load(archive) == digest
    assert list((await rooms.say(TEXT, adapter=digest)).response_token_ids) == expected(base, directory)


async def test_adapters_are_there_again_after_a_restart_and_dropped_by_another_base(
    make, open_rooms, base, adapters, tmp_path
):
    directory, archive = adapters[0]
    digest = await (await open_rooms(model=str(base))).load(archive)
    rooms = await open_rooms(model=str(base))
    assert list((await rooms.say(TEXT, adapter=digest)).response_token_ids) == expected(base, directory)
    rooms = await open_rooms(model=str(make.base(tmp_path / "wide", seed=2, hidden_size=128)))
    assert await listed(rooms) == []
    with pytest.raises(NotFound, match="call LoadAdapter"):
        await rooms.say(TEXT, adapter=digest)


async def test_loading_and_unloading_may_be_repeated(rooms, adapters):
    digests = await asyncio.gather(*(rooms.load(adapters[0][1]) for _ in range(3)))
    assert await listed(rooms) == [digests[0]]
    for _ in range(2):
        await rooms.serving.UnloadAdapter(pb.UnloadAdapterRequest(digest=digests[0]))
    assert await listed(rooms) == []


async def test_an_adapter_of_a_wider_base_is_refused_by_its_first_wrong_tensor(make, rooms, tmp_path):
    wide = make.base(tmp_path / "wide", seed=2, hidden_size=128)
    archive = make.archive(make.adapter(wide, tmp_path / "adapter", seed=1))
    with pytest.raises(InvalidArgument, match=r"layers\.0\.mlp\.down_proj\.lora_B.*\[128, 4\].*96 -> 64") as caught:
        await rooms.load(archive)
    assert caught.value.reason == "ADAPTER_MISMATCH"
    assert await listed(rooms) == []


async def test_an_adapter_of_other_weights_of_the_same_shape_is_refused(make, rooms, adapters, tmp_path):
    shutil.copytree(adapters[0][0], tmp_path / "adapter")
    (tmp_path / "adapter" / "ratchet.json").write_text(json.dumps({"base_revision": "f" * 64}))
    with pytest.raises(InvalidArgument, match="trained on base weights ffffffffffff"):
        await rooms.load(make.archive(tmp_path / "adapter"))


async def test_an_adapter_with_another_rank_than_it_says_is_refused(make, rooms, adapters, tmp_path):
    shutil.copytree(adapters[0][0], tmp_path / "adapter")
    path = tmp_path / "adapter" / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "r": 8}))
    with pytest.raises(InvalidArgument, match=r"lora_A.*rank in adapter_config.json is 8"):
        await rooms.load(make.archive(tmp_path / "adapter"))


async def test_half_an_adapter_is_refused_and_the_old_one_goes_on(make, rooms, base, adapters, tmp_path):
    directory, archive = adapters[0]
    digest = await rooms.load(archive)
    shutil.copytree(adapters[1][0], tmp_path / "half")
    weights = tmp_path / "half" / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[: weights.stat().st_size // 2])
    with pytest.raises(InvalidArgument, match="cut short"):
        await rooms.load(make.archive(tmp_path / "half"))
    with pytest.raises(InvalidArgument, match="not a whole tar"):
        await rooms.load(archive[:700])
    assert list((await rooms.say(TEXT, adapter=digest)).response_token_ids) == expected(base, directory)


async def test_an_archive_that_is_not_what_it_is_called_is_refused(rooms, adapters):
    _, blob = await rooms.put(adapters[0][1])
    with pytest.raises(InvalidArgument, match="another archive or was damaged"):
        await rooms.serving.LoadAdapter(pb.LoadAdapterRequest(digest="a" * 64, blob=blob))
    with pytest.raises(InvalidArgument, match="not a sha256"):
        await rooms.serving.LoadAdapter(pb.LoadAdapterRequest(digest="../../etc", blob=blob))


async def test_an_archive_cannot_write_elsewhere(rooms, adapters, tmp_path):
    for name, kind in (("../escaped", tarfile.REGTYPE), ("/escaped", tarfile.REGTYPE), ("link", tarfile.SYMTYPE)):
        path = tmp_path / "evil.tar"
        with tarfile.open(path, "w") as tar:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "/etc/passwd"
            tar.addfile(member)
        with pytest.raises(RatchetError, match="only plain files") as caught:
            await rooms.load(path.read_bytes())
        assert caught.value.reason == "BAD_ARCHIVE"
    assert not list(tmp_path.rglob("escaped"))


async def test_an_unknown_blob_is_not_found(rooms):
    with pytest.raises(NotFound):
        await rooms.serving.LoadAdapter(pb.LoadAdapterRequest(digest="a" * 64, blob=f"blobs/{'a' * 64}"))


def test_a_large_base_switches_adapters_instead_of_copying_itself(base, adapters, monkeypatch):
    monkeypatch.setattr(variants, "MERGE_BELOW", 0)
    ids = PreTrainedTokenizerFast.from_pretrained(base)(TEXT, return_tensors="pt").input_ids
    plain = Qwen2ForCausalLM.from_pretrained(base).eval()
    switched = Variants(Qwen2ForCausalLM.from_pretrained(base).eval(), "")
    with torch.no_grad():
        wanted = {"": plain(ids).logits}
        for index, (directory, _) in enumerate(adapters):
            adapted = PeftModel.from_pretrained(Qwen2ForCausalLM.from_pretrained(base), directory).eval()
            wanted[str(index)] = adapted(ids).logits
            switched.add(str(index), directory)
        for digest in ("0", "", "1", "0", "1", ""):
            assert torch.allclose(switched.select(digest)(ids).logits, wanted[digest], atol=1e-4), digest
        switched.remove("0")
        assert torch.allclose(switched.select("1")(ids).logits, wanted["1"], atol=1e-4)
        switched.remove("1")
        assert torch.allclose(switched.select("")(ids).logits, wanted[""], atol=1e-4)
