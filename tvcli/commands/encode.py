"""`tv encode`: photos or regions of them -> an encodings file."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tvcli.core.errors import UsageError
from tvcli.terminal import options, streams
from tvcli.terminal.changes import UpdateOptions, print_done, print_plan, update_request
from tvcli.terminal.inputs import EncoderOptions, InputOptions
from tvcli.terminal.progress import ReportOptions

if TYPE_CHECKING:
    from tvcli.core.encoding.updates import UpdateRequest


class EncodeOptions(EncoderOptions):
    """Options of the encoder, whose maps stay as they are unless told otherwise."""

    pool: Annotated[
        str,
        options.pool(
            "none",
            "auto",
            help="How maps become vectors: mean, gem or spatial. none keeps the maps, auto picks "
            "what suits the backbone.",
        ),
    ] = "none"


def encode(
    context: typer.Context,
    sources: options.Sources,
    output: Annotated[
        str,
        typer.Option(
            "-o",
            "--output",
            help="The .h5 file to write, or - for stdout; a name in .parquet makes a table.",
        ),
    ],
    *,
    encoder: EncodeOptions,
    change: UpdateOptions,
    inputs: InputOptions,
    exif: options.Exif = False,
    ray: options.Ray = None,
    reports: ReportOptions,
) -> None:
    """Turn photos, boxes or crops into encodings.

    Each photo or region goes through the frozen backbone once. The result is a dense map (C, H, W)
    per region, or a vector with --pool. If the job is interrupted, the same command continues where
    it stopped. Fields of records, such as a price, are kept with each row, and --exif adds those of
    the camera.

    \b
    Examples:
      tv encode photos/ -o photos.h5
      tv encode boxes.jsonl -o objects.h5 --backbone resnet50
      tv encode photos/ -o photos.h5 --update
      tv encode photos/ -o photos.h5 --exif
      tv encode photos/ --pool gem -o photos.parquet
      tv encode photos/ -o photos.h5 --ray auto
      seq 8 | xargs -P 8 -I{} tv encode photos/ --shard {}/8 -o part-{}.h5
      find . -name '*.jpg' -print0 | tv encode -0 - -o - --pool gem | tv index - -o photos.tvx
    """
    if ray and output == streams.STREAM:
        raise UsageError("--ray: needs -o FILE, on storage that all nodes share")
    if change.update and (inputs.shard or ray):
        raise UsageError("--update goes with neither --shard nor --ray: update the merged file")
    if change.update and inputs.is_part:
        raise UsageError("--update goes with neither --limit nor --sample: it would drop the rest")
    if change.update and Path(output).suffix.lower() == ".parquet":
        raise UsageError("--update: goes with an .h5 file; write Parquet anew from that")
    way = change.way()
    if way and (change.dry_run or Path(output).exists()):
        request = update_request(context, way, sources, inputs.paths, encoder, exif=exif)
        _update(Path(output), request, reports, dry_run=change.dry_run)
        return
    from tvcli.core.encoding.checkpoints import encode_file
    from tvcli.core.encoding.ray_cluster import parts_by_cluster
    from tvcli.core.info import photos_said

    with reports.open(sources) as report, streams.encodings_file(output) as target:
        source = replace(inputs.open(sources, report), exif=exif)
        # Workers of a cluster make their own encoders: of this one only its record counts.
        chosen = encoder.make(device="cpu" if ray else None)
        made = streams.provenance_of(sources)
        parts = None if ray is None else parts_by_cluster(ray, encoder.device)
        encode_file(source, chosen, target, report, made, parts)
        report.summary(f"{photos_said(target)}{streams.where(output)}")


def _update(
    target: Path, request: "UpdateRequest", reports: ReportOptions, *, dry_run: bool
) -> None:
    """Bring the file that is there up to date, or only say how."""
    from tvcli.core.encoding.updates import tell_file, update_file

    with reports.open(request.arguments) as report:
        if dry_run:
            print_plan(tell_file(target, request, report), report)
            return
        made = streams.provenance_of(request.arguments)
        print_done(update_file(target, request, report, made), target, report)
