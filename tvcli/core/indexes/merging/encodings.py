"""Merging encodings: the rows of parts in the order, and in the blocks, of one run."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tvcli.core.backbones.mini_files import name_to_ask_for
from tvcli.core.encoding.checkpoints import in_blocks, write_rows
from tvcli.core.encoding.renewal import PINNED
from tvcli.core.files.artifacts import Artifact, open_artifact
from tvcli.core.files.paths import absolute_path, photos_root, root_settings
from tvcli.core.indexes.manifest import EDITED_FIELDS
from tvcli.core.indexes.merging.belonging import Part, check_parts
from tvcli.core.indexes.merging.ordering import in_order, rows_at_once
from tvcli.core.ranking.calibration import CALIBRATION

# Settings in which parts may differ; what ran the network changes less than float16 keeps.
APART = (
    "shard",
    "root",
    "root_absolute",
    "weights_file",
    "runtime",
    "graph",
    PINNED,
    EDITED_FIELDS,
    CALIBRATION,
)


def merge_encodings(
    paths: Sequence[Path], target: Path, provenance: dict[str, Any], *, changed: bool = False
) -> int:
    """Write the rows of parts into one file, as a run over the whole list would have; return them.

    Parts that are no shards are put one after the other, after a check that no region is twice.

    Raises:
        BadInput: not encodings, damaged, or the target cannot be written.
        Mismatch: parts that do not belong together.
    """
    with ExitStack() as stack:
        files = [stack.enter_context(open_artifact(path, "encodings")) for path in paths]
        parts = [_part(file) for file in files]
        sharded = check_parts(parts, changed=changed)
        rows = rows_at_once(len(parts))
        read = [map(file.read_columns, file.blocks(rows)) for file in files]
        blocks = in_order(parts, read, sharded=sharded)
        settings = merged_settings(files[0].settings, paths[0].absolute().parent, target)
        return write_rows(target, in_blocks(blocks), settings, provenance, files[0].row_shape)


def made_alike(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the settings in which parts must not differ; of mini the generation is named."""
    backbone = name_to_ask_for(settings["encoder"]["backbone"])
    alike = {name: value for name, value in settings.items() if name not in APART}
    return {"backbone": backbone, **alike}


def merged_settings(settings: dict[str, Any], folder: Path, target: Path) -> dict[str, Any]:
    """Return the settings of what is merged, from those of a part in `folder`."""
    kept = {k: v for k, v in settings.items() if k not in ("shard", EDITED_FIELDS, CALIBRATION)}
    root = absolute_path(photos_root(settings, folder))
    return kept | root_settings(Path(root), target)


def _part(file: Artifact) -> Part:
    root = photos_root(file.settings, file.path.absolute().parent).resolve()
    made = {"root": str(root), "rows' shape": file.row_shape, **made_alike(file.settings)}
    return Part(file.path, made, dict(file.settings.get("shard", {})))
