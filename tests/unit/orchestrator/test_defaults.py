"""What an iteration may build on."""

from __future__ import annotations

import pytest

from ratchet.orchestrator.v1.evaluation_service_pb2 import EvaluationSpec
from services.common.errors import InvalidArgument
from services.orchestrator import defaults


@pytest.mark.parametrize("measured", [EvaluationSpec(votes=8, temperature=0.7), EvaluationSpec(temperature=0.7)])
def test_only_greedy_measurements_stand_for_a_policy(measured):
    with pytest.raises(InvalidArgument, match=r"evaluations/v measured with votes = \d and temperature = 0.7, but"):
        defaults.check_greedy("evaluations/v", measured)
    defaults.check_greedy("evaluations/v", EvaluationSpec(votes=1))
