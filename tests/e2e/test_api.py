"""What docs/api.md shows, run as it stands there, and what `import tvcli` costs and offers."""

import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import REPOSITORY
from PIL import Image

import tvcli
from tvcli.core.files.records import write_records
from tvcli.demo.drawing import draw_collection

PAGE = (REPOSITORY / "docs" / "api.md").read_text("utf-8")
BLOCKS = re.findall(r"^## ([^\n]*)|^```python\n(.*?)^```", PAGE, re.S | re.M)
HEAVY = ("torch", "numpy", "h5py", "PIL", "onnxruntime", "cv2", "typer", "rich")
SECTIONS = ("Shapes", "Dtypes", "Units", "Raises:", "Source")


def _examples() -> list[tuple[str, str]]:
    """Return the examples of the page with the section that each stands in."""
    section, found = "quick start", []
    for title, code in BLOCKS:
        section = title or section
        if code:
            found.append((section, code))
    return found


# Each example stands alone, with nothing of those before it but their files and loaded modules.
ALONE = """
import contextlib, io, json, sys
for code in json.load(sys.stdin):
    with contextlib.redirect_stdout(io.StringIO()) as said:
        try:
            exec(compile(code, "docs/api.md", "exec"), {"__name__": "__main__"})
        except BaseException:
            sys.stderr.write(code)
            raise
    print(json.dumps(said.getvalue()))
"""


def _run(code: str, folder: Path, given: str = "") -> str:
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=folder,
        input=given,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert ran.returncode == 0, f"{code}\n{ran.stderr}"
    return ran.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder that the page speaks of: photos, boxes, labels."""
    folder = tmp_path_factory.mktemp("api")
    records = [dict(record) for record in draw_collection(folder, garments=4, photos_each=3)]
    firsts = [record for record in records if record["image"].endswith("-1.jpg")]
    for record, name in zip(firsts[1:3], ("one", "two"), strict=True):
        old, new = folder / record["image"], folder / "photos" / f"{name}.png"
        Image.open(old).save(new)
        old.unlink()
        record["image"] = f"photos/{name}.png"
    names = ("image", "width", "height", "box")
    write_records(folder / "boxes.jsonl", ({n: r[n] for n in names} for r in records))
    labels = ({"image": r["image"], "label": r["label"]} for r in records)
    write_records(folder / "labels.jsonl", labels)
    return folder


def test_every_example_of_the_page_runs(folder: Path) -> None:
    sections, codes = zip(*_examples(), strict=True)
    said = map(json.loads, _run(ALONE, folder, json.dumps(codes)).splitlines())
    out: dict[str, str] = dict(zip(sections, said, strict=True))
    assert len(out) == 12
    assert out["quick start"].startswith("1 photos/one.png 1.0\n")
    assert "Hit(rank=1, image='photos/one.png'" in out["The whole chain"]
    assert out["Many queries"].count("->") == 12
    assert out["Keep an index up to date"].splitlines() == [
        "Changes(added=1, changed=0, moved=0, removed=0, skipped=0, rows=13)",
        "Changes(added=0, changed=0, moved=0, removed=1, skipped=0, rows=12)",
        "Changes(added=1, changed=0, moved=0, removed=0, skipped=0, rows=13)",
    ]
    assert "photos/turned.png" in out["The same picture, and duplicates"]
    assert "Metric(name='hit@1'" in out["Measure a search"]
    encoded = tvcli.Encoder("mini", pool="auto").encode(Image.new("RGB", (32, 32)))
    assert out["Encodings as arrays"] == f"(2, {encoded.shape[1]}) float32\n"
    first = out["Results"].splitlines()[0]
    assert first == "Hit(rank=1, image='photos/one.png', similarity=1)"
    assert out["Errors"] == "nowhere.png: not found\n"
    assert out["Progress and skipped photos"].endswith("13 done, 0 skipped\n")


def test_the_chain_takes_ten_lines() -> None:
    (chain,) = (code for section, code in _examples() if section == "The whole chain")
    calls = [line for line in chain.splitlines() if "tvcli." in line]
    assert len(calls) == 10 and len(chain.splitlines()) <= 13


def test_import_loads_nothing_heavy(tmp_path: Path) -> None:
    code = f"import sys, tvcli; dir(tvcli); print([m for m in {HEAVY} if m in sys.modules])"
    assert _run(code, tmp_path) == "[]\n"


def test_a_search_loads_no_torch(folder: Path) -> None:
    code = (
        "import sys, tvcli\n"
        "tvcli.build_index('photos', 'cheap.tvx')\n"
        "hits = tvcli.open_index('cheap.tvx').search('photos/one.png')\n"
        "print(hits[0].similarity, [m for m in ('torch', 'cv2') if m in sys.modules])"
    )
    assert _run(code, folder) == "1.0 []\n"


def test_what_is_offered_is_what_is_listed() -> None:
    assert sorted(tvcli._HOMES) == sorted(tvcli.__all__) == tvcli.__all__
    assert set(tvcli.__all__) <= set(dir(tvcli))
    assert (Path(tvcli.__file__).parent / "py.typed").is_file()
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        tvcli.nothing_of_the_kind  # noqa: B018


@pytest.mark.parametrize("name", tvcli.__all__)
def test_every_name_has_a_docstring(name: str) -> None:
    offered = getattr(tvcli, name)
    text = inspect.getdoc(offered) or ""
    assert text, name
    if inspect.isfunction(offered) or name == "Encoder":
        missing = [section for section in SECTIONS if section not in text]
        assert not missing, f"{name} lacks {missing}"
        told = set(re.findall(r"^    (\w+(?:, \w+)*):", text, re.M))
        named = {word for words in told for word in words.split(", ")}
        parameters = set(inspect.signature(offered).parameters)
        assert parameters <= named, f"{name} does not tell of {parameters - named}"


@pytest.mark.parametrize("name", ["search", "search_many", "update"])
def test_every_method_of_an_index_tells_the_same(name: str) -> None:
    text = inspect.getdoc(getattr(tvcli.Index, name)) or ""
    assert all(section in text for section in ("Shapes", "Dtypes", "Units", "Raises:", "Source"))
