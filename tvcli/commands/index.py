"""`tv index`: photos or encodings -> an index."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tvcli.core.errors import UsageError
from tvcli.core.reports import Report, number_of
from tvcli.terminal import options, streams
from tvcli.terminal.changes import (
    ChangeOptions,
    is_typed,
    print_done,
    print_plan,
    refuse_of_new,
    update_request,
)
from tvcli.terminal.efforts import EffortOptions
from tvcli.terminal.inputs import EncoderOptions, InputOptions
from tvcli.terminal.option_groups import OptionGroup
from tvcli.terminal.progress import ReportOptions

if TYPE_CHECKING:
    from tvcli.core.encoding.updates import UpdateRequest


class VectorOptions(EncoderOptions):
    """Options of the encoder, whose maps become vectors."""

    pool: Annotated[
        str,
        options.pool(
            "auto",
            "map",
            help="How maps become vectors: mean, gem or spatial. map compresses them by PCA, auto "
            "picks what suits the backbone.",
        ),
    ] = "auto"


class KeptOptions(OptionGroup):
    """Options of what an index keeps besides vectors."""

    rank: Annotated[
        Path | None,
        typer.Option("--rank", help="Rank by this head of tv train-rank; the index keeps a copy."),
    ] = None
    maps: Annotated[
        bool,
        typer.Option("--maps", help="Keep the dense maps in the index, for tv search --rerank."),
    ] = False
    keypoints: Annotated[
        bool,
        typer.Option(
            "--keypoints",
            help="Keep key points in the index, which makes tv search --verify and tv dedupe "
            "faster.",
        ),
    ] = False
    method: options.Method = None
    classifier: Annotated[
        Path | None,
        typer.Option(
            "--classifier",
            help="Index the object rather than the whole photo: find it by this head of tv "
            "train-classifier, together with --boxes. The index keeps a copy of both.",
        ),
    ] = None
    boxes: Annotated[
        Path | None,
        typer.Option("--boxes", help="The head that tv train-boxes wrote; goes with --classifier."),
    ] = None

    def files(self) -> dict[str, Path | None]:
        """Return the files that an index keeps a copy of, by option."""
        return {"rank": self.rank, "classifier": self.classifier, "boxes": self.boxes}

    def arguments(self) -> dict[str, Any]:
        """Return what an index is to keep, as arguments; raises as `location_heads` does."""
        from tvcli.core.indexes.indexing import location_heads

        heads = location_heads(self.classifier, self.boxes)
        return {"rank": self.rank, "maps": self.maps, "location": heads}

    def keep_keypoints(self, index: Path, report: Report) -> None:
        """Keep key points in an index, if they are asked for."""
        if self.keypoints:
            from tvcli.core.indexes.keypoints import keep_keypoints  # brings OpenCV

            keep_keypoints(index, self.method, report)


def index(
    context: typer.Context,
    sources: options.SourcesOrNone = None,
    output: Annotated[
        Path,
        typer.Option("-o", "--output", help="The index (.tvx folder) to write."),
    ] = Path(".tv/index.tvx"),
    *,
    engine: options.Engine = "auto",
    encoder: VectorOptions,
    kept: KeptOptions,
    effort: EffortOptions,
    change: ChangeOptions,
    watch: options.Watch = False,
    seed: options.Seed = 0,
    inputs: InputOptions,
    exif: options.Exif = False,
    fields: Annotated[
        str | None,
        typer.Option(
            "--fields",
            metavar="FILE",
            help="Set fields of photos in the index, such as a price, from this CSV or JSON Lines "
            "file with a column image; - reads JSON Lines from stdin. Without SRC nothing else is "
            "done.",
        ),
    ] = None,
    reports: ReportOptions,
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
      tv index photos/ --exif -o photos.tvx
      tv index --fields prices.csv -o photos.tvx
      tv index photos/ --update --dry-run | jq -r .image
      tv index photos/ --watch
      find photos/ -name '*.tmp.jpg' -print0 | tv index -0 --remove -
      tv index photos/ --classifier classifier.h5 --boxes boxes.h5 -o objects.tvx
      tv index photos.h5 --rank rank.h5 --maps -o ranked.tvx
      tv index photos/ --keypoints -o photos.tvx
      tv index photos/ --backbone squeezenet1_1 --weights squeezenet1_1.pth -o photos.tvx
    """
    if fields is not None and (not sources or change.dry_run):
        if sources or change.way():
            raise UsageError("--fields: with --dry-run or without SRC nothing else is done")
        _set_fields(output, fields, reports)
        return
    if is_typed(context, "method") and not kept.keypoints:
        raise UsageError("--method: goes with --keypoints")
    sources, way = sources or [], change.way()
    if way and inputs.is_part:
        raise UsageError(f"--{way} goes with neither --limit nor --sample nor --shard")
    if watch and (way not in (None, "update") or change.dry_run or inputs.is_part):
        raise UsageError("--watch follows whole folders: it goes with no way but --update")
    if watch:
        from tvcli.core.files.watching import check_watchable

        check_watchable(sources)

    if (way or watch) and output.exists():
        refuse_of_new(context, ("maps", "seed", "runtime"), output)

    def request() -> "UpdateRequest":
        if effort.effort() != "normal":
            raise UsageError("objects are found as the index's were: leave --fast or so out")
        recorded = {"engine": engine} | kept.files()
        return update_request(
            context, way or "update", sources, inputs.paths, encoder, recorded, exif=exif
        )

    if change.dry_run and way:
        _tell(output, request(), reports)
    elif watch and output.exists():
        pass  # it begins with an update
    elif way and (way != "update" or output.exists()):
        _change(output, request(), reports, seed, kept)
    else:
        how: dict[str, Any] = {"engine": engine, "effort": effort.effort()}
        how |= {"exif": exif, "fields": fields, "seed": seed}
        _make(sources, output, encoder, kept, inputs, reports, **how)
    if fields is not None and not change.dry_run:
        _set_fields(output, fields, reports)
    if watch:
        _watch(output, request, reports, seed)


def _make(
    sources: list[str],
    output: Path,
    encoder: VectorOptions,
    kept: KeptOptions,
    inputs: InputOptions,
    reports: ReportOptions,
    *,
    exif: bool,
    fields: str | None,
    seed: int,
    **how: Any,
) -> None:
    """Make an index."""
    from tvcli.core.files.sources import is_rows
    from tvcli.core.indexes.additions import losses_told
    from tvcli.core.indexes.indexing import head_pool, index_encodings, index_photos
    from tvcli.core.info import photos_said

    how |= {"seed": seed, **kept.arguments()}
    with reports.open(sources) as report, losses_told(output, report, fields=fields is None):
        made = streams.provenance_of(sources, seed)
        if is_rows(sources, streams.stdin()):
            _check_whole(inputs)
            name = Path(sources[0])
            with streams.input_file(sources[0]) as path:
                manifest = index_encodings(path, output, made, pool=encoder.pool, name=name, **how)
        else:
            photos = replace(inputs.open(sources, report), exif=exif)
            chosen = encoder.make(pool=head_pool(kept.rank, encoder.pool))
            weights = encoder.weights
            manifest = index_photos(photos, chosen, output, report, made, weights=weights, **how)
        kept.keep_keypoints(output, report)
        vectors = f"vectors of {manifest.dimension} values"
        report.summary(f"{photos_said(output)}, {vectors}, in {output}")


def _set_fields(target: Path, name: str, reports: ReportOptions) -> None:
    """Set fields of the photos in the index that is there."""
    from tvcli.core.indexes.field_edits import edit_fields_from

    with reports.open() as report, streams.input_file(name, rows=False) as path:
        count = edit_fields_from(target, path, report, name=name)
        report.summary(f"fields of {number_of(count, 'photo')} changed in {target}")


def _check_whole(inputs: InputOptions) -> None:
    """See that all rows of encodings are asked for; raises UsageError if not."""
    if inputs.shard:
        raise UsageError("--shard divides photos: of encodings, tv encode makes the shards")
    if inputs.is_part:
        raise UsageError("--limit and --sample take photos: give them to tv encode")


def _change(
    target: Path, request: "UpdateRequest", reports: ReportOptions, seed: int, kept: KeptOptions
) -> None:
    """Change the index that is there."""
    from tvcli.core.files.sources import is_rows
    from tvcli.core.indexes.sync import sync_encodings
    from tvcli.core.indexes.updates import change_photos

    with reports.open(request.arguments) as report:
        made = streams.provenance_of(request.arguments, seed)
        if is_rows(request.arguments, request.stdin):
            with streams.input_file(request.arguments[0]) as path:
                counts = sync_encodings(target, request, report, made, path)
        else:
            counts = change_photos(target, request, report, made)
        kept.keep_keypoints(target, report)
        print_done(counts, target, report)


def _tell(target: Path, request: "UpdateRequest", reports: ReportOptions) -> None:
    """Only say how the index that is there would change."""
    from tvcli.core.files.sources import is_rows
    from tvcli.core.indexes.sync import explain_sync
    from tvcli.core.indexes.updates import tell_photos

    with reports.open(request.arguments) as report:
        if is_rows(request.arguments, request.stdin):
            with streams.input_file(request.arguments[0]) as path:
                print_plan(explain_sync(target, request, report, path), report)
        else:
            print_plan(tell_photos(target, request, report), report)


def _watch(
    target: Path, request: Callable[[], "UpdateRequest"], reports: ReportOptions, seed: int
) -> None:
    """Keep an index up to date until somebody ends it."""
    from tvcli.core.indexes.watching import watch_photos

    made = streams.provenance_of([], seed)
    watch_photos(target, request, reports.open, made, lambda c, r: print_done(c, target, r))
