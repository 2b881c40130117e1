"""The deployed policy and its candidate, asked for by name."""

import hashlib
import json

import pytest
from prometheus_client import REGISTRY

from services.common.errors import NotFound
from services.serving.deployed import DEPLOYED, Deployed

TEXT = "OBJECTIVE: stop with the answer"


def answered(role):
    return REGISTRY.get_sample_value("ratchet_serving_deployed_seconds_count", {"role": role})


async def test_an_episode_stays_with_the_policy_that_its_share_gave_it(open_rooms, base, adapters, monkeypatch):
    rooms = await open_rooms(model=str(base))
    digests = [(await rooms.put(archive))[0] for _, archive in adapters]
    deployed = Deployed(policy=digests[0], candidate=digests[1], percent=50)
    # As a pod has it, from its annotation.
    monkeypatch.setenv("RATCHET_SERVING__DEPLOYED", deployed.model_dump_json())
    rooms = await open_rooms(model=str(base))
    alone = {digest: (await rooms.say(TEXT, adapter=digest)).text for digest in digests}
    assert alone[digests[0]] != alone[digests[1]]
    before = {role: answered(role) for role in ("current", "candidate")}
    for episode in map(str, range(12)):
        for answer in [await rooms.say(TEXT, adapter=DEPLOYED, affinity=episode) for _ in range(2)]:
            assert answer.adapter == deployed.roles()[deployed.role(episode)]
            assert answer.text == alone[answer.adapter]
    counted = {role: answered(role) - before[role] for role in before}
    assert sum(counted.values()) == 24
    assert min(counted.values()) > 0
    assert (await rooms.say(TEXT)).adapter == "", "whoever names no policy gets the base, as ever"


async def test_without_the_annotation_the_base_is_deployed(open_rooms, base, monkeypatch):
    monkeypatch.setenv("RATCHET_SERVING__DEPLOYED", "")
    rooms = await open_rooms(model=str(base))
    answer = await rooms.say(TEXT, adapter=DEPLOYED)
    assert (answer.adapter, answer.text) == ("", (await rooms.say(TEXT)).text)


async def test_a_room_does_not_open_without_what_it_is_to_deploy(open_rooms, base, monkeypatch):
    absent = hashlib.sha256(b"absent").hexdigest()
    monkeypatch.setenv("RATCHET_SERVING__DEPLOYED", json.dumps({"policy": absent}))
    with pytest.raises(NotFound, match=absent):
        await open_rooms(model=str(base))
