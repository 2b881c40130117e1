"""What a result's note says of serving it."""

from pathlib import Path

import pytest
from google.protobuf import json_format

from ratchet.training.v1 import training_service_pb2 as pb
from services.training import jobs, methods

Method = pb.TrainingSpec.Method


@pytest.mark.parametrize(
    ("method", "archive", "words"),
    [
        (Method.METHOD_LORA, "adapter.tar", ""),
        (Method.METHOD_QLORA, "adapter.tar", ""),
        (Method.METHOD_DORA, "adapter.tar", "vLLM loads none"),
        (Method.METHOD_FULL, "model.tar", "serving.model"),
    ],
)
def test_a_job_that_succeeded_says_what_can_be_served_of_it(method, archive, words):
    spec = pb.TrainingSpec(method=method)
    record = jobs.Record("j", "", json_format.MessageToDict(spec), 0.0, state=jobs.SUCCEEDED)
    note = jobs.Job(Path("j"), record).message().note
    assert words in note
    assert bool(note) == bool(words)
    assert methods.archive(spec) == archive
    assert not jobs.Job(Path("j"), jobs.Record("j", "", record.spec, 0.0)).message().note
