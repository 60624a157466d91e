"""What a file is, printed for people or as JSON: the output of `tv info`."""

import json as jsonlib
from typing import Any

from tvcli.core.files.records import NON_STANDARD
from tvcli.terminal.harmless import printable


def print_info(description: dict[str, Any], *, json: bool) -> None:
    """Print a description of a file, for people or (`json`) as one line of JSON."""
    if json:
        text = jsonlib.dumps(description, ensure_ascii=False)
        print(jsonlib.dumps(description) if NON_STANDARD.search(text) else text)
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in _lines(description):
        if value:
            table.add_row(Text(printable(name)), Text(printable(value)))
    Console(soft_wrap=False).print(table)


def _lines(description: dict[str, Any]) -> list[tuple[str, str]]:
    named = description.get("backbone")
    lines = [
        (name, ", ".join(value) if name == "fields" else _short(value))
        for name, value in description.items()
        if not isinstance(value, dict) and name != "backbone"
    ]
    for name in ("labels", "fields", "datasets", "forest"):
        if isinstance(description.get(name), dict) and description[name]:
            shown = ", ".join(f"{key} {_short(value)}" for key, value in description[name].items())
            lines.append((name, shown))
    settings = dict(description.get("settings", {}))
    if shard := settings.pop("shard", None):
        lines.append(("shard", f"{shard['number']}/{shard['of']} of {shard['listed']} regions"))
    lines += _encoder(settings.pop("encoder", None), named)
    if calibration := settings.pop("calibration", None):
        lines.append(("calibration", f"{len(calibration['similarities'])} points"))
    if tried := settings.pop("choice", None):
        lines.append(("choice", _choice(tried)))
    lines += [(key, _short(value)) for key, value in settings.items() if value is not None]
    return lines + _made(description.get("provenance", {}))


def _encoder(encoder: dict[str, Any] | None, named: str | None) -> list[tuple[str, str]]:
    if not encoder:
        return []
    backbone = encoder["backbone"]
    layer = f", layer {backbone['layer']}" if backbone["layer"] else ""
    return [
        ("backbone", f"{named}{layer}, weights {_short(backbone['weights'])}"),
        (
            "input",
            f"{encoder['size']} px, {encoder['fit']}, {encoder['precision']}, "
            f"colours {encoder.get('colour', 'stored')}",
        ),
        ("pooling", str(encoder["pool"])),
    ]


def _choice(tried: list[dict[str, Any]]) -> str:
    """Return how many starts a rank head was chosen from, and which."""
    chosen = (f"{row['start']} of {row['pool']} vectors" for row in tried if row["chosen"])
    return f"{next(chosen, 'none')}, of {len(tried)} starts tried"


def _made(provenance: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what is known of the making: of what Python code made, no command is."""
    versions = provenance.get("versions", {})
    lines = [
        ("made by", " ".join(provenance.get("command", []))),
        ("versions", ", ".join(f"{name} {version}" for name, version in versions.items())),
    ]
    parents = provenance.get("inputs", [])
    lines += [("made from", f"{parent['path']} ({parent['hash'][:12]})") for parent in parents]
    return [(name, text) for name, text in lines if text]


def _short(value: Any) -> str:
    if isinstance(value, str) and len(value) == 64 and value.isalnum():
        return value[:12]  # a hash
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, dict):
        return ", ".join(f"{key} {_short(part)}" for key, part in value.items())
    if isinstance(value, list | tuple):
        return " x ".join(map(_short, value)) if _is_shape(value) else ", ".join(map(_short, value))
    return "-" if value is None else str(value)


def _is_shape(value: list[Any] | tuple[Any, ...]) -> bool:
    return all(isinstance(side, int) for side in value)
