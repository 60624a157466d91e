"""The options that several commands share, so that each means the same everywhere."""

from pathlib import Path
from typing import Annotated, Literal

import typer

Sources = Annotated[
    list[str],
    typer.Argument(
        metavar="SRC",
        help="Photos, folders, a text file of paths, a file of JSON Lines records, or - for any "
        "of these on standard input.",
        show_default=False,
    ),
]
Null = Annotated[
    bool, typer.Option("--null", "-0", help="Paths are separated by NUL, as by find -print0.")
]
Backbone = Annotated[
    str,
    typer.Option(
        "--backbone",
        envvar="TV_BACKBONE",
        help="mini (inside the package), a torchvision model (alexnet, vgg16, resnet50, …) or "
        "timm:NAME.",
    ),
]
Weights = Annotated[
    Path | None,
    typer.Option(
        "--weights",
        envvar="TV_WEIGHTS",
        help="The backbone's weights: a torch state dict or safetensors.  [default: published]",
        show_default=False,
    ),
]
Layer = Annotated[
    str | None,
    typer.Option(
        "--layer", help="The layer to take, such as fc2 or layer3.  [default: the last map]"
    ),
]
Size = Annotated[
    int | None,
    typer.Option("--size", min=32, help="Input side in pixels.  [default: the backbone's own]"),
]
Fit = Annotated[
    Literal["squash", "pad", "crop"],
    typer.Option("--fit", help="How a region is brought to the square."),
]
Batch = Annotated[
    int | None,
    typer.Option(
        "--batch", min=1, help="Regions per forward pass.  [default: 16 on a CPU, 128 on a GPU]"
    ),
]
Device = Annotated[Literal["auto", "cpu", "cuda", "mps"], typer.Option("--device")]
Precision = Annotated[
    Literal["fp32", "bf16"], typer.Option("--precision", help="Arithmetic of the network.")
]
Runtime = Annotated[
    Literal["auto", "torch", "onnx", "openvino"],
    typer.Option(
        "--runtime", help="What runs the network; auto: torch on a GPU, the fastest on a CPU."
    ),
]
Root = Annotated[
    Path | None,
    typer.Option("--root", help="Record paths relative to this folder.", show_default=False),
]
PhotosRoot = Annotated[
    Path | None,
    typer.Option(
        "--root", help="The index's photos lie here now; it is not changed.", show_default=False
    ),
]
Limit = Annotated[
    int | None,
    typer.Option("--limit", min=1, help="Only the first so many photos.", show_default=False),
]
Sampled = Annotated[
    str | None,
    typer.Option(
        "--sample",
        metavar="N|SHARE",
        help="Only so many photos, or a share (0.1, 10%), drawn by --seed.",
        show_default=False,
    ),
]
Shard = Annotated[
    str | None,
    typer.Option(
        "--shard",
        metavar="I/N",
        help="Only the I-th of N shares of the photos, 1/N to N/N; tv merge joins what they make.",
        show_default=False,
    ),
]
Update = Annotated[
    bool,
    typer.Option(
        "--update", help="Encode what is new or changed, drop what is gone, keep all the rest."
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Only say what --update and its like would do.")
]
Ray = Annotated[
    str | None,
    typer.Option(
        "--ray",
        metavar="ADDRESS",
        help="Encode on a Ray cluster: auto, local or HOST:PORT. Photos and -o lie on storage that "
        "all its nodes share.",
        show_default=False,
    ),
]
Errors = Annotated[
    Path | None,
    typer.Option(
        "--errors", help="Write the photos left out here, as JSON Lines.", show_default=False
    ),
]
Strict = Annotated[bool, typer.Option("--strict", help="Stop at the first bad photo.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Nothing on stderr but errors.")]


def _engine(name: str) -> str:
    from tvcli.core.engines.names import checked_engine  # brings numpy

    return name if name == "auto" else checked_engine(name)


Engine = Annotated[
    str,
    typer.Option(
        "--engine",
        callback=_engine,
        help="auto (exact while it is fast enough, then annoy), exact, annoy, faiss (faiss-ivfpq), "
        "faiss-hnsw, or postgresql://USER@HOST/NAME.",
    ),
]
Seed = Annotated[int, typer.Option("--seed", help="For whatever is random.")]
Host = Annotated[
    str,
    typer.Option("--host", help="The address to listen on; others than yourself only if told."),
]
Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="0: any that is free.")]
NoOpen = Annotated[bool, typer.Option("--no-open", help="Do not open the browser.")]
Verify = Annotated[
    Literal["default", "scalable"] | None,
    typer.Option("--verify", help="Only the same picture, verified by geometry, with this rule."),
]
Thresholds = Annotated[
    list[str] | None,
    typer.Option(
        "--threshold", metavar="NAME=VALUE", help="Change a threshold of the rule; repeatable."
    ),
]
Method = Annotated[
    Literal["orb", "sift"] | None,
    typer.Option("--method", help="Key points to verify by.  [default: those kept, else orb]"),
]
Model = Annotated[
    Literal["homography", "affine", "similarity"] | None,
    typer.Option("--model", help="How a copy may be distorted.  [default: homography]"),
]
Shortlist = Annotated[
    int | None,
    typer.Option("--shortlist", min=1, help="Verify the first N by similarity.  [default: 100]"),
]
Unverified = Annotated[
    bool, typer.Option("--unverified", help="Show hits that are not verified too.")
]
ByInliers = Annotated[
    bool, typer.Option("--by-inliers", help="Order by what verifies, not by similarity.")
]
