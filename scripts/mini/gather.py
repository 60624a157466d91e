"""Lay the training photos out as files, from clones of the repositories that hold them.

    python -m scripts.mini.gather --clones CLONES --out build/mini/photos

CLONES has a git directory `OWNER+NAME` for each row of REPOSITORIES (or `OWNER+NAME/repo`). A photo
is named after its git hash, so that no file comes twice, with its ImageNet class before it where
its repository tells one, and lies in a folder of its kind where the repository's folders tell
kinds. Prints each repository's commit, for the record.
"""

import argparse
import random
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

SMALLEST = 2000  # bytes: what is smaller is a thumbnail, an icon or a pointer to a file elsewhere
SUFFIXES = (".jpg", ".jpeg", ".png")


@dataclass(frozen=True, slots=True)
class Repository:
    """Where photos lie: owner and name, folder, how many at most, and what their paths tell."""

    name: str
    folder: str
    most: int
    synset: int | None = None  # the part of the path that starts with a WordNet id
    kinds: str | None = None  # the folder whose folders are kinds of things
    without: str | None = None  # the repository whose photos' names are left out


REPOSITORIES = (
    Repository(
        "yadavaditya13+Image_Classification_Using_Deep_Learning",
        "dataset",
        11_000,
        kinds="dataset/seg_train",
    ),
    Repository("soma00333+cuboulder-csca5642-week5", "gan-getting-started/photo_jpg", 5_000),
    Repository("emanhamed+Houses-dataset", "Houses Dataset", 2_200),
    Repository("mzahid36+Image-captioning-dataset-BCG-", "Images", 7_000),
    Repository("Fernando-crz+image-search", "images", 5_100),
    Repository("ruixuejianfei+SYSU-Scene", "images", 5_100),
    Repository("ankitrathore25+image_dataset", "images", 2_200),
    Repository("thunderInfy+imagenette", "", 8_000, synset=1),
    Repository("EliSchwartz+imagenet-sample-images", "", 1_000, synset=0),
    Repository("dreyus95+Mozgalo", "dataset", 5_000),
    Repository("BernieChen96+ImageClassification", "JPEGImages", 2_000),
    Repository("liyunfan1223+multimodal-sentiment-analysis", "data", 4_000),
    Repository("fmejbah+car_dataset1", "cars_train", 4_000),
    Repository("chanakya2734+Image-classification-using-CNN", "dataset", 4_500),
    Repository("JoelOscarsson+dl-assignment", "data/flowers", 4_000, kinds="data/flowers"),
    Repository(
        "congduytran12+Trash-Classification-", "dataset-resized", 2_530, kinds="dataset-resized"
    ),
    Repository("pan8915+DeepTexture", "images", 1_200, kinds="images"),
    Repository("JohnMcCarroll+GAN_Gallery", "data", 4_000),
    Repository("zlima+testtensor", "AID", 3_000, kinds="AID"),
    Repository("kongwang01+MM_HW3", "dataset", 1_700),
    Repository("startg2545+image-similarity-model", "dataset", 4_000),
    Repository("aqaddoumi+indoor-dataset", "train", 4_000),
    Repository("thenorthwes+fodadataset", "JPEGImages", 5_000),
    # Kinds of fruit and of vegetables; which packages are the same one is not told.
    Repository("marcusklasson+GroceryStoreDataset", "dataset/train/Packages", 2_640),
    Repository("marcusklasson+GroceryStoreDataset", "dataset/train", 2_640, kinds="dataset/train"),
    Repository(
        "alexeygrigorev+clothing-dataset",
        "images",
        6_000,
        without="alexeygrigorev+clothing-dataset-small",  # whose photos are measured
    ),
)


def git(clone: Path, *arguments: str) -> str:
    """Return what git prints about a clone."""
    command = ["git", "-C", str(clone), "-c", "core.quotepath=off", *arguments]
    found = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    return found.decode("utf-8", "replace")


def listed(clone: Path, folder: str) -> Iterator[tuple[str, str]]:
    """Yield hash and path of each picture below the folder in the newest commit."""
    for line in filter(None, git(clone, "ls-tree", "-r", "-z", "HEAD", folder or ".").split("\0")):
        about, path = line.split("\t", 1)
        _, kind, digest = about.split()
        if kind == "blob" and path.lower().endswith(SUFFIXES):
            yield digest, path


def name_of(one: Repository, digest: str, path: str) -> str:
    """Return the name that a photo's file is given, below its repository's folder."""
    parts = PurePosixPath(path)
    synset = "" if one.synset is None else parts.parts[one.synset][:9] + "-"
    kind = ""
    if one.kinds and parts.is_relative_to(one.kinds):
        kind = "-".join(parts.parent.relative_to(one.kinds).parts) + "/"
    return f"{kind}{synset}{digest[:16]}{parts.suffix.lower()}"


def written(clone: Path, chosen: list[tuple[str, str]], one: Repository, out: Path) -> int:
    """Write the photos' files and return how many there are."""
    out.mkdir(parents=True, exist_ok=True)
    count = 0
    command = ["git", "-C", str(clone), "cat-file", "--batch"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as reader:
        if reader.stdin is None or reader.stdout is None:
            raise RuntimeError("git gives no pipes")
        for digest, path in chosen:
            reader.stdin.write(f"{digest}\n".encode())
            reader.stdin.flush()
            size = reader.stdout.readline().split()[-1]
            if not size.isdigit():  # a large file that the clone lacks
                continue
            content = reader.stdout.read(int(size))
            reader.stdout.read(1)
            if len(content) >= SMALLEST:
                file = out / name_of(one, digest, path)
                file.parent.mkdir(exist_ok=True)
                file.write_bytes(content)
                count += 1
        reader.stdin.close()
    return count


def clone_of(clones: Path, name: str) -> Path:
    """Return the git directory of a repository."""
    clone = clones / name
    return clone / "repo" if (clone / "repo").is_dir() else clone


def main() -> None:
    """Lay all of them out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clones", type=Path, required=True, help="folder of git directories")
    parser.add_argument("--out", type=Path, default=Path("build/mini/photos"))
    given = parser.parse_args()
    seen: set[str] = set()
    for one in REPOSITORIES:
        clone, left_out = clone_of(given.clones, one.name), set[str]()
        if one.without:
            others = listed(clone_of(given.clones, one.without), "")
            left_out = {PurePosixPath(path).name for _, path in others}
        chosen = [
            (digest, path)
            for digest, path in sorted(set(listed(clone, one.folder)))
            if digest not in seen and PurePosixPath(path).name not in left_out
        ]
        seen.update(digest for digest, _ in chosen)
        random.Random(0).shuffle(chosen)
        count = written(clone, chosen[: one.most], one, given.out / one.name)
        print(f"{one.name} {git(clone, 'rev-parse', 'HEAD').strip()} {count}", flush=True)


if __name__ == "__main__":
    main()
