"""`python -m services.training.pretraining`: train the tiny policy from demonstrations.

python -m services.training.pretraining train FILE --work DIR --out services/serving/models/ratchet-tiny
python -m services.training.pretraining measure FILE --model DIR
python -m services.training.pretraining synthetic FILE --worlds 20 --episodes 100
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

from transformers import PreTrainedTokenizerFast

from services.common.errors import RatchetError
from services.common.settings import load, read_toml
from services.common.telemetry import configure_logging, log
from services.training.pretraining import (
    checkpoints,
    demonstrations,
    encoding,
    evaluation,
    novices,
    synthetic,
    vocabulary,
)
from services.training.pretraining.demonstrations import Demonstration
from services.training.pretraining.settings import PretrainingSettings
from services.training.pretraining.trainer import Trainer


def _texts(steps: Iterable[Demonstration]) -> Iterable[tuple[str, str]]:
    for step in steps:
        yield step.world, f"{step.page} {step.question} {step.response}"


def _tokenizer(steps: list[Demonstration], work: Path) -> PreTrainedTokenizerFast:
    """The tokenizer that an interrupted run began with, or a new one."""
    if (work / "tokenizer" / "tokenizer.json").exists():
        return checkpoints.load_tokenizer(work / "tokenizer")
    built = vocabulary.build(_texts(steps))
    built.save_pretrained(work / "tokenizer")
    return built


def _train(args: argparse.Namespace) -> None:
    table = read_toml(args.config).get("pretraining", {})
    settings = load(PretrainingSettings, table)
    worlds = encoding.by_world(demonstrations.read(args.file))
    names = sorted(worlds)
    aside = set(names[-settings.held_out_worlds :]) if settings.held_out_worlds else set()
    shown = [step for name in names if name not in aside for step in worlds[name]]
    train = novices.mixed(shown, settings.reliability, settings.seed)
    held_out = [step for name in names if name in aside for step in worlds[name]]
    log().info("read", worlds=len(names), train=len(train), held_out=len(held_out))
    args.work.mkdir(parents=True, exist_ok=True)
    start, tokenizer = checkpoints.load(args.start) if args.start else (None, _tokenizer(train, args.work))
    trainer = Trainer(settings, tokenizer, train, held_out, args.work, start)
    parameters = sum(tensor.numel() for tensor in trainer.model.parameters())
    log().info("built", parameters=parameters, vocabulary=len(trainer.tokenizer))
    scores = trainer.run()
    checkpoints.publish(trainer.model, trainer.tokenizer, args.out)
    _print(scores)


def _measure(args: argparse.Namespace) -> None:
    steps = demonstrations.read(args.file)
    model, tokenizer = checkpoints.load(args.model)
    encoder = encoding.Encoder(tokenizer, args.max_page_tokens)
    scores = evaluation.measure(model, encoder, steps, seed=1)
    _print(scores)
    for step, wrong in scores.missed[: args.show]:
        sys.stdout.write(f"\n{step.objective}\n  {step.url} after {step.previous}\n")
        sys.stdout.write(f"  wanted {step.response!r}\n  said   {wrong!r}\n")


def _print(scores: evaluation.Scores) -> None:
    sys.stdout.write(f"steps {scores.steps}, episodes {scores.episodes}\n")
    for kind, found in scores.kinds.items():
        sys.stdout.write(f"  {kind:8} {found}\n")
    for template, found in scores.templates.items():
        sys.stdout.write(f"  template {template:4} {found}\n")


def _synthetic(args: argparse.Namespace) -> None:
    steps = [one for world in range(args.worlds) for one in synthetic.demonstrations(world, args.episodes)]
    sys.stdout.write(f"wrote {demonstrations.write(args.file, steps)} steps to {args.file}\n")


def main() -> int:
    """Command line; 1 on a wrong input."""
    parser = argparse.ArgumentParser(prog="python -m services.training.pretraining", description=__doc__)
    commands = parser.add_subparsers(required=True)
    train = commands.add_parser("train", help="train from a demonstrations file")
    train.add_argument("file", type=Path)
    train.add_argument("--work", type=Path, required=True, help="where checkpoints live; resumes from them")
    train.add_argument("--out", type=Path, required=True, help="directory of the published checkpoint")
    train.add_argument("--start", type=Path, help="checkpoint to train on, in place of a new model")
    train.add_argument("--config", type=Path, help="TOML with a [pretraining] table")
    train.set_defaults(run=_train)
    measure = commands.add_parser("measure", help="exact match of a checkpoint on a demonstrations file")
    measure.add_argument("file", type=Path)
    measure.add_argument("--model", type=Path, required=True)
    measure.add_argument("--max-page-tokens", type=int, default=800)
    measure.add_argument("--show", type=int, default=0, help="print so many wrong responses")
    measure.set_defaults(run=_measure)
    made_up = commands.add_parser("synthetic", help="write made-up demonstrations")
    made_up.add_argument("file", type=Path)
    made_up.add_argument("--worlds", type=int, default=20)
    made_up.add_argument("--episodes", type=int, default=100)
    made_up.set_defaults(run=_synthetic)
    args = parser.parse_args()
    configure_logging()
    try:
        args.run(args)
    except RatchetError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
