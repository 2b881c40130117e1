"""`datasets`: what policies were trained on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from services.cli import failures, invocation, output, words

app = typer.Typer(no_args_is_help=True, help="Datasets: the rows that policies were trained on, with their cards.")
Name = Annotated[str, typer.Argument(help="Name, start of an id, or `last`.")]


@app.command("list")
@failures.command
async def list_(
    ctx: typer.Context, limit: Annotated[int, typer.Option(min=0, help="At most so many; 0 for all.")] = 50
) -> None:
    """List datasets, newest first."""
    from ratchet.trajectory.v1 import trajectory_service_pb2 as pb
    from services.cli import client, dataset_text

    at = invocation.of(ctx)
    async with client.connect(at) as rooms:
        request = pb.ListDatasetsRequest(page_size=client.PAGE)
        found, more = await client.some(rooms.trajectories.ListDatasets, request, "datasets", limit)
    if at.as_json:
        output.document({"datasets": [output.as_dict(item) for item in found], "more": more})
        return
    cards = [dataset_text.card_of(item) for item in found]
    output.table(
        ("DATASET", "MIXTURE", "TRAIN>", "VALIDATION>", "SOURCES", "FROM*", "CREATED"),
        (
            (
                words.short(item.name),
                card.get("mixture", ""),
                str(item.num_train_rows),
                str(item.num_validation_rows),
                dataset_text.counted(card.get("sources", {})),
                ", ".join(card.get("parents", [])),
                words.when(item.create_time),
            )
            for item, card in zip(found, cards, strict=True)
        ),
    )
    if more:
        output.note(f"only the first {limit}; --limit 0 lists all")


@app.command()
@failures.command
async def show(ctx: typer.Context, dataset: Name = "last") -> None:
    """Show a dataset's card: sources, counts, the filter's diagnostics, how synthetic rows were written."""
    from ratchet.trajectory.v1 import trajectory_service_pb2 as pb
    from services.cli import client, dataset_text, names

    at = invocation.of(ctx)
    async with client.connect(at) as rooms:
        name = await names.dataset(rooms, dataset)
        found = (await rooms.trajectories.GetDataset(pb.GetDatasetRequest(name=name))).dataset
    if at.as_json:
        output.document(output.as_dict(found))
    else:
        dataset_text.describe(found)


@app.command()
@failures.command
async def export(
    ctx: typer.Context,
    dataset: Name,
    directory: Annotated[Path, typer.Argument(help="Directory to write: a Parquet file a split, and README.md.")],
    force: Annotated[bool, typer.Option("--force", help="Replace an earlier export in the directory.")] = False,
) -> None:
    """Export a dataset as a directory that Hugging Face's `load_dataset` reads, with its card."""
    from ratchet.trajectory.v1 import trajectory_service_pb2 as pb
    from services.cli import client, dataset_files, names

    at = invocation.of(ctx)
    async with client.connect(at) as rooms:
        name = await names.dataset(rooms, dataset)
        found = (await rooms.trajectories.GetDataset(pb.GetDatasetRequest(name=name))).dataset
        content = await client.blob(rooms, found.blob)
    counts = dataset_files.write(found, content, directory, force=force)
    if at.as_json:
        output.document({"dataset": found.name, "directory": str(directory), "rows": counts})
    else:
        rows = ", ".join(f"{split} {words.count(count, 'row')}" for split, count in counts.items())
        output.say(f"wrote {found.name} ({rows}) to {directory}")
