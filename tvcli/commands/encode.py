"""`tv encode`: photos or regions of them -> an encodings file."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from tvcli.core.errors import UsageError
from tvcli.terminal import changes, options, streams
from tvcli.terminal.inputs import encoder_input, photo_inputs
from tvcli.terminal.progress import reporting


def encode(
    context: typer.Context,
    sources: options.Sources,
    output: Annotated[
        str, typer.Option("-o", "--output", help="The .h5 file to write, or - for stdout.")
    ],
    backbone: options.Backbone = "mini",
    weights: options.Weights = None,
    layer: options.Layer = None,
    pool: Annotated[
        Literal["none", "mean", "gem", "spatial", "auto"],
        typer.Option(
            "--pool",
            help="How maps become vectors: none keeps the maps, auto picks what suits the "
            "backbone.",
        ),
    ] = "none",
    size: options.Size = None,
    fit: options.Fit = "squash",
    batch: options.Batch = None,
    device: options.Device = "auto",
    precision: options.Precision = "fp32",
    runtime: options.Runtime = "auto",
    update: options.Update = False,
    dry_run: options.DryRun = False,
    null: options.Null = False,
    root: options.Root = None,
    limit: options.Limit = None,
    sample: options.Sampled = None,
    seed: options.Seed = 0,
    shard: options.Shard = None,
    ray: options.Ray = None,
    errors: options.Errors = None,
    strict: options.Strict = False,
    quiet: options.Quiet = False,
) -> None:
    """Turn photos, boxes or crops into encodings.

    Each photo or region goes through the frozen backbone once. The result is a dense map (C, H, W)
    per region, or a vector with --pool. If the job is interrupted, the same command continues where
    it stopped.

    \b
    Examples:
      tv encode photos/ -o photos.h5
      tv encode boxes.jsonl -o objects.h5 --backbone resnet50
      tv encode photos/ -o photos.h5 --update
      tv encode photos/ -o photos.h5 --ray auto
      seq 8 | xargs -P 8 -I{} tv encode photos/ --shard {}/8 -o part-{}.h5
      find . -name '*.jpg' -print0 | tv encode -0 - -o - --pool gem | tv index - -o photos.tvx
    """
    if ray and output == streams.STREAM:
        raise UsageError("--ray: needs -o FILE, on storage that all nodes share")
    if update and (shard or ray):
        raise UsageError("--update goes with neither --shard nor --ray: update the merged file")
    if update and (limit or sample):
        raise UsageError("--update goes with neither --limit nor --sample: it would drop the rest")
    if changes.one_of(dry_run, update=update) and (dry_run or Path(output).exists()):
        _update(context)
        return
    from tvcli.core.encoding.checkpoints import encode_file
    from tvcli.core.encoding.ray_cluster import parts_by_cluster
    from tvcli.core.files.provenance import provenance
    from tvcli.core.files.sources import input_files

    with (
        reporting(strict=strict, quiet=quiet, errors=errors) as report,
        streams.output_file(output) as target,
    ):
        source = photo_inputs(context, report)
        on = "cpu" if ray else device  # of a cluster only its record counts here
        encoder = encoder_input(context, pool, on)
        made = provenance(streams.command_line(), input_files(sources))
        parts = None if ray is None else parts_by_cluster(ray, device)
        rows = encode_file(source, encoder, target, report, made, parts)
        report.summary(f"{rows} rows in {output}")


def _update(context: typer.Context) -> None:
    """Bring the file that is there up to date, or only say how."""
    from tvcli.core.encoding.updates import UpdateRequest, tell_file, update_file
    from tvcli.core.files.provenance import provenance
    from tvcli.core.files.sources import input_files

    asked = context.params
    target = Path(asked["output"])
    wish = UpdateRequest(
        "update", asked["sources"], streams.stdin(), **changes.update_request(context)
    )
    with reporting(**{name: asked[name] for name in ("strict", "quiet", "errors")}) as report:
        if asked["dry_run"]:
            changes.print_plan(tell_file(target, wish, report), report)
            return
        made = provenance(streams.command_line(), input_files(wish.arguments))
        changes.print_done(update_file(target, wish, report, made), target, report)
