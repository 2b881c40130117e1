"""Demonstrators of every skill."""

from itertools import groupby

from services.training.pretraining import novices, synthetic
from services.training.pretraining.demonstrations import Demonstration

STEPS = [step for world in range(6) for step in synthetic.demonstrations(world, 40)]


def episodes(steps: list[Demonstration]) -> dict[tuple[str, int], list[Demonstration]]:
    return {key: list(found) for key, found in groupby(steps, lambda step: (step.world, step.task))}


def test_reliable_demonstrators_are_the_expert() -> None:
    assert novices.mixed(STEPS, (1.0, 1.0), 0) == STEPS


def test_a_novice_does_as_the_expert_up_to_one_mistake_which_is_the_last_step() -> None:
    expert, novice = episodes(STEPS), episodes(novices.mixed(STEPS, (0.0, 0.0), 0))
    assert novice.keys() == expert.keys()
    for key, steps in novice.items():
        assert steps[:-1] == expert[key][: len(steps) - 1]
        mistake, right = steps[-1], expert[key][len(steps) - 1]
        assert mistake.response != right.response, "the expert's own step is no mistake"
        assert mistake.prompt == right.prompt


def test_a_mistake_can_be_made_on_its_page() -> None:
    for steps in episodes(novices.mixed(STEPS, (0.0, 0.0), 0)).values():
        thought, _, action = steps[-1].response.partition("\nACTION: ")
        if steps[-1].kind == "click":
            name, _, number = thought.rpartition(" ")
            assert f"{number} link '{name}'" in steps[-1].page
            assert action == f"click {number}"
        else:
            assert action == f"stop [{thought}]"


def test_how_many_episodes_go_right_lies_where_it_was_asked() -> None:
    mixed = episodes(novices.mixed(STEPS, (0.4, 0.6), 0))
    right = sum(mixed[key] == steps for key, steps in episodes(STEPS).items())
    assert 0.3 < right / len(mixed) < 0.7


def test_the_same_seed_gives_the_same_steps_whatever_stands_beside() -> None:
    mixed = novices.mixed(STEPS, (0.1, 1.0), 3)
    assert mixed == novices.mixed(STEPS, (0.1, 1.0), 3)
    last = STEPS[-1].world
    alone = novices.mixed([step for step in STEPS if step.world == last], (0.1, 1.0), 3)
    assert alone == [step for step in mixed if step.world == last]
    assert mixed != novices.mixed(STEPS, (0.1, 1.0), 4)
