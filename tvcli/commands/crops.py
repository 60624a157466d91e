"""`tv crops`: photos with boxes -> crops to learn from."""

from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from tvcli.core.reports import number_of
from tvcli.terminal import options
from tvcli.terminal.inputs import SampleOptions
from tvcli.terminal.lines import base_of, emit, print_lines
from tvcli.terminal.progress import ReportOptions
from tvcli.terminal.streams import STREAM, where


def crops(
    boxes: Annotated[
        Path,
        typer.Argument(
            help="The file with the boxes, or - for stdin; for --from voc, yolo or labelme, a "
            "folder."
        ),
    ],
    output: Annotated[
        str,
        typer.Option(
            "-o",
            "--output",
            help="The .jsonl file of crops to write, or - for stdout. For --to, the file or, for "
            "voc, yolo and labelme, the folder.",
        ),
    ],
    *,
    source: Annotated[
        str,
        options.box_format(
            "--from", help="Format of the boxes: jsonl, coco, voc, yolo, via, labelme or cvat."
        ),
    ] = "jsonl",
    to: Annotated[
        str | None,
        options.box_format(
            "--to", help="Convert: write the boxes themselves in this format, and no crops."
        ),
    ] = None,
    per_photo: Annotated[
        int,
        typer.Option(
            "--per-photo",
            min=0,
            help="Crops of the object per photo, and as many of the background.",
        ),
    ] = 5,
    looks: Annotated[
        int | None,
        typer.Option(
            "--looks",
            min=0,
            help="Close-up crops per photo, used by tv train-boxes only.  [default: 4 to 24, fewer "
            "for many photos]",
        ),
    ] = None,
    scales: Annotated[
        str | None,
        typer.Option(
            "--scales",
            help="Sizes that each photo is scaled to first: its short side, as a multiple of the "
            "crop.  [default: 1,2,3, and larger ones where half of the objects are smaller than "
            "half the short side]",
        ),
    ] = None,
    size: Annotated[
        int,
        typer.Option(
            "--size", min=32, help="Side of the pictures that --save-images writes, in pixels."
        ),
    ] = 224,
    extend: Annotated[
        str,
        typer.Option(
            "--extend",
            help="Make each box taller at the top and the bottom, by these fractions of its "
            "height.",
        ),
    ] = "0,0",
    test: Annotated[
        float,
        typer.Option("--test", min=0, max=0.9, help="Share of the photos held out for testing."),
    ] = 0.05,
    background: Annotated[
        list[Path] | None,
        typer.Option(
            "--background",
            help="Photos that do not show the object, or folders of such photos, to learn what it "
            "is not. May be given more than once.",
        ),
    ] = None,
    false_alarms: Annotated[
        Path | None,
        typer.Option(
            "--false-alarms",
            help="Boxes that tv locate found (.jsonl): those that show no object are learned from, "
            "as background.",
        ),
    ] = None,
    save_images: Annotated[
        Path | None,
        typer.Option("--save-images", help="Also write the crops as pictures into this folder."),
    ] = None,
    sampling: SampleOptions,
    root: Annotated[
        Path | None,
        typer.Option("--root", help="The folder with the photos.  [default: beside the boxes]"),
    ] = None,
    reports: ReportOptions,
) -> None:
    """Cut training crops from photos with boxes.

    A crop counts as the object if at least half of its area lies inside the box, and as background
    if at least half lies outside. If an object is too small to fill half a crop, its crops hold at
    least nine tenths of it. Photos are split into train and test by a hash of their names, unless
    the records have a "split" of their own.

    Photos in which the object is not teach what it is not: those that the boxes' file names without
    a box, and those of --background. Twenty photos of what is easily taken for the object are a
    good start. --false-alarms adds what a first pair of heads took for the object in any of the
    photos.

    Boxes are read as JSON Lines, COCO JSON (--from coco), VGG VIA JSON (--from via), CVAT XML for
    images (--from cvat), or a folder of Pascal VOC XML (--from voc), YOLO text files (--from yolo)
    or labelme JSON (--from labelme). --to writes the same formats: those of folders into a folder,
    the others into a file, or to standard output with -o -. Outlines count as the boxes around
    them. What is no box is skipped, and named with its place.

    \b
    Examples:
      tv crops boxes.jsonl -o crops.jsonl
      tv crops annotations/ --from voc --root photos/ -o crops.jsonl --extend 0.1,0.5
      tv crops boxes.jsonl --background other-animals/ -o crops.jsonl
      tv crops boxes.jsonl --to coco -o coco.json
    """
    from tvcli.core.files.formats import (
        annotation_lines,
        read_annotations,
        write_annotations,
    )
    from tvcli.core.files.own_files import check_own
    from tvcli.core.files.sources import open_sources
    from tvcli.core.images.annotations import boxed_photos, spilled_photos, without_objects
    from tvcli.core.location.crops import CropSettings, parse_numbers, sample_crops, saved
    from tvcli.core.location.false_alarms import NONE, read_false_alarms

    settings = CropSettings(
        per_photo=per_photo,
        looks=looks,
        scales=None if scales is None else parse_numbers("--scales", scales, least=1.0),
        extend=parse_numbers("--extend", extend, count=2),
        test=test,
        seed=sampling.seed,
    )
    base = base_of(output)
    with reports.open() as report, ExitStack() as stack:
        read = read_annotations(boxes, source, report)
        annotations = sampling.parse().of(read, lambda box: box.image)
        if background:
            empty = open_sources(
                [str(path) for path in background],
                on_unreadable=report.unreadable,
                on_left_out=report.leave_out,
                on_empty=report.empty_folder,
            )
            annotations = chain(annotations, without_objects(empty))
        checked = boxed_photos(annotations, base, report, root)
        if to is not None:
            photos = list(checked)
            if output == STREAM:
                print_lines(annotation_lines(photos, to))
                count = sum(len(photo.objects) for photo in photos)
            else:
                check_own(Path(output), "boxes")
                count = write_annotations(Path(output), photos, to, report)
            report.summary(f"{number_of(count, 'box', 'boxes')}{where(output)}")
            return
        spilled_records = stack.enter_context(spilled_photos(checked))
        alarms = read_false_alarms(false_alarms) if false_alarms is not None else NONE
        records = sample_crops(spilled_records, settings, alarms)
        if save_images is not None:
            records = saved(records, base, save_images, size, report)
        count = emit(output, records, "crops")
        of = number_of(len(spilled_records), "photo")
        report.summary(f"{number_of(count, 'crop')} of {of}{where(output)}")
