"""Pages, questions and the tokenizer: what the tiny policy reads."""

import random
from dataclasses import replace
from pathlib import Path

import pytest
from transformers import PreTrainedTokenizerFast

from services.common.errors import InvalidArgument
from services.training.pretraining import demonstrations, encoding, pages, sampling, synthetic, vocabulary
from services.training.pretraining.demonstrations import Demonstration

PAGE = """[998] link 'Home'
[999] textbox 'City': 'Old town'
[0] checkbox 'Gift' checked
text 'Price: $12.99'
row 'A | B'"""
STEP = Demonstration(
    "demo/1", 300_001, 1, PAGE, "http://shop.test/a/7", 'Set "City" to 42.', "click link 'Home'", "type",
    "City [999]\nACTION: type [999] [42] [0]",
)  # fmt: skip


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    steps = [step for world in range(6) for step in synthetic.demonstrations(world, 20)]
    return vocabulary.build((step.world, step.prompt + step.response) for step in steps)


def test_a_page_is_taken_apart_and_nothing_is_lost() -> None:
    lines = pages.parse(PAGE)
    assert [line.id for line in lines] == [998, 999, 0, None, None]
    assert [line.name for line in lines] == ["Home", "City", "Gift", "Price: $12.99", "A | B"]
    assert lines[3].fact == ("Price", "$12.99")
    assert lines[1].fact is None
    assert "\n".join(line.text for line in lines) == PAGE


def test_text_survives_the_tokenizer(tokenizer: PreTrainedTokenizerFast) -> None:
    for text in (STEP.prompt + STEP.response, "naïve … ☃ [12] [x] '': 007", "\nACTION: go_back"):
        assert tokenizer.decode(tokenizer.encode(text, add_special_tokens=False)) == text


def test_cutting_a_prompt_into_its_parts_changes_no_token(tokenizer: PreTrainedTokenizerFast) -> None:
    for step in (STEP, *synthetic.demonstrations(77, 5)):
        parts = ("PAGE:\n", step.page, step.question, step.response)
        apart = [token for part in parts for token in tokenizer.encode(part, add_special_tokens=False)]
        assert apart == tokenizer.encode("".join(parts), add_special_tokens=False)


def test_an_id_is_one_token_and_typed_or_answered_numbers_are_none(tokenizer: PreTrainedTokenizerFast) -> None:
    element = tokenizer.convert_tokens_to_ids("[42]")
    assert element in tokenizer.encode("[42] link 'Home'", add_special_tokens=False)
    for text in ("\nACTION: type [7] [42] [0]", "\nACTION: stop [42]"):
        assert element not in tokenizer.encode(text, add_special_tokens=False)


def test_a_word_is_the_same_tokens_wherever_it_stands(tokenizer: PreTrainedTokenizerFast) -> None:
    alone = tokenizer.encode("Velmora", add_special_tokens=False)
    for text in ("link 'Velmora'", "the Velmora Kettle", "[Velmora]", "/Velmora"):
        around = tokenizer.encode(text, add_special_tokens=False)
        assert any(around[start : start + len(alone)] == alone for start in range(len(around)))


def test_a_name_of_one_world_is_spelt_and_a_word_of_many_is_whole() -> None:
    texts = [(f"w{n}", f"the Kettle of {name}") for n, name in enumerate(("Velmora", "Tribasku", "Gorendil"))]
    built = vocabulary.build(texts, num_pieces=20)
    assert len(built.encode("Kettle", add_special_tokens=False)) == 1
    assert len(built.encode("Velmora", add_special_tokens=False)) > 1


def test_pages_that_differ_in_ids_alone_become_one() -> None:
    moved = PAGE.replace("[998]", "[5]").replace("[999]", "[6]").replace("[0]", "[7]")
    response = "City [6]\nACTION: type [6] [42] [0]"
    other = Demonstration(**{**STEP.__dict__, "page": moved, "response": response, "task": 300_002})
    gathered = encoding.gather([STEP, other])
    assert len(gathered) == 1
    assert {step.response for step in gathered[0].demonstrations} == {"City [1]\nACTION: type [1] [42] [0]"}


def test_turning_moves_ids_together_and_spares_the_enter_flag(tokenizer: PreTrainedTokenizerFast) -> None:
    encoder = encoding.Encoder(tokenizer, 800)
    segment = encoder.segment(encoding.Query(STEP.question, STEP.response, "demo"), ends=True)
    turned = encoder.turn_answer(segment, 3).answer
    assert tokenizer.decode(turned) == "City [2]\nACTION: type [2] [42] [0]<|end|>"
    assert tokenizer.decode(encoder.turn(encoder.page("[999] link 'A'"), 3)) == "PAGE:\n[2] link 'A'"


def test_demonstrations_are_read_as_they_were_written(tmp_path: Path) -> None:
    steps = synthetic.demonstrations(3, 4)
    assert demonstrations.write(tmp_path / "demo.jsonl", steps) == len(steps)
    assert demonstrations.read(tmp_path / "demo.jsonl") == demonstrations.read(tmp_path) == steps


def test_a_broken_demonstrations_file_is_refused_by_line(tmp_path: Path) -> None:
    path = tmp_path / "demo.jsonl"
    demonstrations.write(path, synthetic.demonstrations(3, 1))
    whole = path.read_text()
    path.write_text(whole + "{\n")
    with pytest.raises(InvalidArgument, match=r"demo.jsonl:3 is not JSON"):
        demonstrations.read(path)
    path.write_text(whole + '{"world": 1}\n')
    with pytest.raises(InvalidArgument, match=r"demo.jsonl:3 must have exactly the fields"):
        demonstrations.read(path)
    with pytest.raises(InvalidArgument, match="make tiny"):
        demonstrations.read(tmp_path / "none.jsonl")


def test_what_follows_from_the_objective_is_asked_without_the_page() -> None:
    name, text = sampling.decisions_of(STEP)
    assert (name.given, name.answer) == (STEP.question, "City")
    assert (text.given, text.answer) == (f"{STEP.question}City [999]\nACTION: type [999] [", "42] [0]")
    told = replace(STEP, kind="stop", response="Price: $12.99\nACTION: stop [$12.99]")
    assert [query.answer for query in sampling.decisions_of(told)] == ["Price: "]


def test_a_cut_page_keeps_what_its_steps_need(tokenizer: PreTrainedTokenizerFast) -> None:
    step = replace(STEP, response="Gift [0]\nACTION: click [0]", kind="click")
    page = encoding.gather([step])
    sampler = sampling.Sampler(page, encoding.Encoder(tokenizer, 800), 4, random.Random(0))
    for row in sampler.rows(20, sampling.Curriculum(level=2), dense_share=0.0):
        shown = tokenizer.decode(row.tokens[row.parts == 0].tolist())
        assert "checkbox 'Gift'" in shown
        assert shown.count("\n") == 2
