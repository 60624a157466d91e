"""`tv index`: photos or encodings -> an index."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from tvcli.core.errors import UsageError
from tvcli.core.reports import Report
from tvcli.terminal import changes, options, streams
from tvcli.terminal.inputs import encoder_input, photo_inputs
from tvcli.terminal.progress import reporting


def index(
    context: typer.Context,
    sources: options.Sources,
    output: Annotated[
        Path,
        typer.Option("-o", "--output", help="The index (.tvx folder) to write."),
    ] = Path(".tv/index.tvx"),
    engine: options.Engine = "auto",
    backbone: options.Backbone = "mini",
    weights: options.Weights = None,
    layer: options.Layer = None,
    pool: Annotated[
        Literal["auto", "mean", "gem", "spatial", "map"],
        typer.Option(
            "--pool",
            help="How maps become vectors. map compresses them by PCA, auto picks what suits the "
            "backbone.",
        ),
    ] = "auto",
    size: options.Size = None,
    fit: options.Fit = "squash",
    batch: options.Batch = None,
    device: options.Device = "auto",
    precision: options.Precision = "fp32",
    runtime: options.Runtime = "auto",
    rank: Annotated[
        Path | None,
        typer.Option("--rank", help="Rank by this head of tv train-rank; the index keeps a copy."),
    ] = None,
    maps: Annotated[
        bool,
        typer.Option("--maps", help="Keep the dense maps in the index, for tv search --rerank."),
    ] = False,
    keypoints: Annotated[
        bool,
        typer.Option(
            "--keypoints",
            help="Keep key points in the index, which makes tv search --verify and tv dedupe "
            "faster.",
        ),
    ] = False,
    method: options.Method = None,
    classifier: Annotated[
        Path | None,
        typer.Option(
            "--classifier",
            help="Index the object rather than the whole photo: find it by this head of tv "
            "train-classifier, together with --boxes. The index keeps a copy of both.",
        ),
    ] = None,
    boxes: Annotated[
        Path | None,
        typer.Option("--boxes", help="The head that tv train-boxes wrote; goes with --classifier."),
    ] = None,
    update: options.Update = False,
    add: Annotated[
        bool, typer.Option("--add", help="Add these photos to an existing index.")
    ] = False,
    remove: Annotated[
        bool,
        typer.Option(
            "--remove",
            help="Remove these photos, or all photos in these folders, from an existing index.",
        ),
    ] = False,
    dry_run: options.DryRun = False,
    seed: options.Seed = 0,
    null: options.Null = False,
    root: options.Root = None,
    limit: options.Limit = None,
    sample: options.Sampled = None,
    shard: options.Shard = None,
    errors: options.Errors = None,
    strict: options.Strict = False,
    quiet: options.Quiet = False,
) -> None:
    """Make photos or encodings searchable.

    Photos are encoded first, with the same options as in tv encode; encodings are used as they are.
    Without -o the index is written to .tv/ in the current folder, where tv search finds it from
    that folder and from any folder below.

    --update brings an existing index up to date: only new and changed photos are encoded, with the
    index's own settings. Until it is done, searches see the index as it was before.

    \b
    Examples:
      tv index photos/
      tv index photos.h5 -o photos.tvx
      tv index photos/ --update
      tv index photos/ --update --dry-run | jq -r .image
      find photos/ -name '*.tmp.jpg' -print0 | tv index -0 --remove -
      tv index photos/ --classifier classifier.h5 --boxes boxes.h5 -o objects.tvx
      tv index photos.h5 --rank rank.h5 --maps -o ranked.tvx
      tv index photos/ --keypoints -o photos.tvx
      tv index photos/ --backbone squeezenet1_1 --weights squeezenet1_1.pth -o photos.tvx
    """
    way = changes.one_of(dry_run, update=update, add=add, remove=remove)
    if way and (limit or sample or shard):
        raise UsageError(f"--{way} goes with neither --limit nor --sample nor --shard")
    if way and (dry_run or way != "update" or output.exists()):
        _change(context, way)
        return
    from tvcli.core.files.provenance import provenance
    from tvcli.core.files.sources import input_files, is_encodings
    from tvcli.core.indexes.indexing import head_pool, index_encodings, index_photos, location_heads

    location = location_heads(classifier, boxes)
    with reporting(strict=strict, quiet=quiet, errors=errors) as report:
        made = provenance(streams.command_line(), input_files(sources), seed)
        if is_encodings(sources, streams.stdin()):
            if shard:
                raise UsageError("--shard divides photos: of encodings, tv encode makes the shards")
            if limit or sample:
                raise UsageError("--limit and --sample take photos: give them to tv encode")
            with streams.input_file(sources[0]) as path:
                manifest = index_encodings(
                    path,
                    output,
                    made,
                    pool=pool,
                    engine=engine,
                    seed=seed,
                    name=Path(sources[0]),
                    rank=rank,
                    maps=maps,
                    location=location,
                )
        else:
            manifest = index_photos(
                photo_inputs(context, report),
                encoder_input(context, head_pool(rank, pool)),
                output,
                report,
                made,
                engine=engine,
                seed=seed,
                rank=rank,
                maps=maps,
                location=location,
                weights=weights,
            )
        _keep_keypoints(context, report)
        report.summary(f"{manifest.rows} rows of {manifest.dimension} in {output}")


def _change(context: typer.Context, way: changes.Way) -> None:
    """Change the index that is there, or only say how."""
    from tvcli.core.encoding.updates import UpdateRequest
    from tvcli.core.files.provenance import provenance
    from tvcli.core.files.sources import input_files, is_encodings
    from tvcli.core.indexes.sync import explain_sync, sync_encodings
    from tvcli.core.indexes.updates import change_photos, tell_photos

    asked = context.params
    wish = UpdateRequest(way, asked["sources"], streams.stdin(), **changes.update_request(context))
    output: Path = asked["output"]
    with reporting(**{name: asked[name] for name in ("strict", "quiet", "errors")}) as report:
        made = provenance(streams.command_line(), input_files(wish.arguments), asked["seed"])
        if is_encodings(wish.arguments, wish.stdin):
            with streams.input_file(wish.arguments[0]) as path:
                if asked["dry_run"]:
                    changes.print_plan(explain_sync(output, wish, report, path), report)
                else:
                    counts = sync_encodings(output, wish, report, made, path)
                    _keep_keypoints(context, report)
                    changes.print_done(counts, output, report)
        elif asked["dry_run"]:
            changes.print_plan(tell_photos(output, wish, report), report)
        else:
            counts = change_photos(output, wish, report, made)
            _keep_keypoints(context, report)
            changes.print_done(counts, output, report)


def _keep_keypoints(context: typer.Context, report: Report) -> None:
    """Keep key points in the index, if they are asked for."""
    asked = context.params
    if asked["keypoints"] or asked["method"]:
        from tvcli.core.indexes.keypoints import keep_keypoints  # brings OpenCV

        keep_keypoints(asked["output"], asked["method"], report)
