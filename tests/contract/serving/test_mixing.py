"""The check that adapters do not mix, on the engine that needs no vLLM."""

import pytest
import torch

from services.serving.adapters import loading, mixing
from services.serving.adapters.transformers import TransformersEngine
from services.serving.settings import ServingSettings


class Mixing(TransformersEngine):
    """Takes the latest adapter for every request, as a batch with one set of weights would."""

    latest = ""

    async def generate(self, adapter, prompt, sampling):
        self.latest = adapter or self.latest
        return await super().generate(self.latest, prompt, sampling)


class Deaf(TransformersEngine):
    """Leaves adapters out."""

    async def generate(self, adapter, prompt, sampling):
        return await super().generate("", prompt, sampling)


async def prove(kind, base):
    engine = kind(ServingSettings(model=str(base)), {})
    await engine.start()
    try:
        await mixing.prove(engine, loading.shapes(str(base), local_only=True), torch.float32, num_adapters=3)
    finally:
        await engine.stop()


async def test_an_engine_that_keeps_adapters_apart_passes(base):
    await prove(TransformersEngine, base)


@pytest.mark.parametrize(("kind", "words"), [(Mixing, "gets another answer in a batch"), (Deaf, "does not apply")])
async def test_an_engine_that_does_not_is_refused(base, kind, words):
    with pytest.raises(mixing.AdaptersMixed, match=words):
        await prove(kind, base)
