"""`tv merge`: the parts that shards made -> one file."""

from pathlib import Path
from typing import Annotated

import typer

from tvcli.core.reports import number_of
from tvcli.terminal import options, streams
from tvcli.terminal.lines import base_of, emit
from tvcli.terminal.progress import reporting


def merge(
    parts: Annotated[
        list[Path],
        typer.Argument(
            metavar="PART",
            help="The parts: .h5 files, .jsonl files or .tvx folders, all of one kind.",
        ),
    ],
    output: Annotated[
        str,
        typer.Option("-o", "--output", help="The file or .tvx folder to write, or - for stdout."),
    ],
    changed: Annotated[
        bool,
        typer.Option(
            "--changed",
            help="Join parts even if photos were added or deleted while the shards were starting.",
        ),
    ] = False,
    quiet: options.Quiet = False,
) -> None:
    """Join the parts that --shard made.

    The result is the same, row by row, as if one process had done all the work. The parts must come
    from the same list of photos and the same settings, with every shard there exactly once. Parts
    made without --shard are joined in the order given.

    \b
    Examples:
      tv merge part-*.h5 -o photos.h5
      tv merge part-*.jsonl -o located.jsonl
      tv merge part-*.tvx -o photos.tvx
    """
    from tvcli.core.indexes.additions import losses_told
    from tvcli.core.indexes.merging.encodings import merge_encodings
    from tvcli.core.indexes.merging.indexes import merge_indexes
    from tvcli.core.indexes.merging.parts import files_of, kind_of_parts
    from tvcli.core.indexes.merging.records import merge_records
    from tvcli.core.info import photos_said

    with reporting(quiet=quiet) as report:
        kind = kind_of_parts(parts)
        if kind == "records":
            count = emit(output, merge_records(parts, base_of(output), changed=changed))
            said = number_of(count, "record")
        elif kind == "index":
            made = streams.provenance_of(files_of(parts))
            with losses_told(Path(output), report):
                merge_indexes(parts, Path(output), made, changed=changed)
            said = photos_said(Path(output))
        else:
            made = streams.provenance_of(files_of(parts))
            with streams.output_file(output, "encodings") as target:
                merge_encodings(parts, target, made, changed=changed)
                said = photos_said(target)
        report.summary(f"{said}{streams.where(output)}")
