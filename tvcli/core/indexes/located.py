"""The locator of an index whose photos were located: of its own heads, graph and settings."""

from pathlib import Path

from tvcli.core.backbones.specs import Device
from tvcli.core.encoding.encoder import Encoder
from tvcli.core.indexes.index import Index
from tvcli.core.location.efforts import effort_of
from tvcli.core.location.locate import LocateSettings, Locator
from tvcli.core.location.locating import load_locator


def index_locator(
    index: Index, encoder: Encoder, *, weights: Path | None = None, device: Device = "auto"
) -> Locator | None:
    """Return what locates photos as an index's were, or None if they were not.

    `encoder` is that of the index's rows: its network is used here too, where it can be.

    Raises:
        BadInput: a head cannot be used, or the backbone's weights are not there.
        Mismatch: the heads do not fit each other, or an effort is recorded that is not known.
    """
    heads = index.location_files
    if heads is None:
        return None
    settings = LocateSettings(effort=effort_of(index.settings))
    return load_locator(*heads, settings, weights=weights, device=device, network=encoder.network)
