"""One self-contained page of duplicates: each group side by side, and what to do with each photo.

Photos that are not the same can be marked, and saved as the lines that --not-duplicates reads.
"""

import html
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from tvcli.core.deduping.dedupe import Group, Member
from tvcli.serve.folders import Folders
from tvcli.serve.page_parts import END, head, named, picture, printable

HERE = Path(__file__).parent
INTRO = (
    "Nothing has been deleted. Choose which photos to keep, and save the list of the others: "
    "xargs -0 mv -t duplicates/ &lt; drop.list. Mark what is not the same picture as the one kept, "
    "save the marks, and give the file to tv dedupe --not-duplicates. What you choose and mark is "
    "still there when the page is opened again."
)
LIST = '<div class="list"><button type="button">Save drop.list</button><span></span></div>'
SAVE = '<div class="save"><button type="button">Save different.jsonl</button><span></span></div>'


def groups_page(groups: Iterable[Group], allow: Iterable[Path]) -> Iterator[str]:
    """Yield the parts of a page that shows groups, the photo to keep first in each.

    Only photos that lie in the folders `allow` are put into it.
    """
    folders, script = Folders(allow), (HERE / "groups_page.js").read_text("utf-8")
    yield head("tv dedupe", (HERE / "groups_page.css").read_text("utf-8"), script)
    yield f'<p class="intro">{INTRO}</p>'
    for group in groups:
        cards = "".join(_card(member, group.members[0], folders) for member in group.members)
        name = f"Group {group.number}: {len(group.members)} photos, {len(group.to_drop)} to drop"
        section = f'<section class="group" aria-label="{name}">'
        yield f"{section}<h2>{name}</h2><ol>{cards}</ol></section>"
    yield f"<footer>{LIST}{SAVE}</footer><script>{script}</script>{END}"


def _card(member: Member, kept: Member, folders: Folders) -> str:
    facts = member.facts
    size = f"{facts.width}×{facts.height} {facts.format}, {_bytes(facts.bytes)}"
    lines = [("", member.reason), ("soft", size)]
    lines += [("soft", member.transform_description)] if member.transform_description else []
    lines += [("soft", f"also linked as {link}") for link in facts.links]
    said = "".join(f'<p class="{kind}">{printable(text)}</p>' for kind, text in lines)
    mark = "" if member is kept or facts.digest == kept.facts.digest else _mark(member, kept)
    return (
        f'<li class="{member.action}">{picture(facts.image, folders)}'
        f'<span class="badge">{member.action}</span>'
        f'<div class="about">{named(facts.image)}{said}{_choice(member)}{mark}</div>'
        "</li>"
    )


def _choice(member: Member) -> str:
    """Return the box that says whether a photo is kept, with all names that go if it is not."""
    names = html.escape(json.dumps([member.facts.image, *member.facts.links]))
    checked = " checked" if member.action == "keep" else ""
    return f'<label><input type="checkbox" data-names="{names}"{checked}>keep</label>'


def _mark(member: Member, kept: Member) -> str:
    pair = {
        "digests": [kept.facts.digest, member.facts.digest],
        "images": [kept.facts.image, member.facts.image],
    }
    value = html.escape(json.dumps(pair))
    return f'<label><input type="checkbox" data-pair="{value}">not the same picture</label>'


def _bytes(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{max(1, round(count / 1e3))} kB"
