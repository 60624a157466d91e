"""The training of `mini` in small, on what `tv demo` draws, with teachers that are made up."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from conftest import drawn
from torch import Tensor

pytest.importorskip("timm")
pytest.importorskip("openvino")

from scripts.mini import cache, finish, loop
from scripts.mini.export import export
from scripts.mini.finish import POWER, finished, whitening
from scripts.mini.photos import Photo, Photos
from scripts.mini.student import folded, unfolded
from scripts.mini.teachers import CHANNELS, GRID, Projection
from tvcli.core.backbones.mini import WEIGHTS, load

VIEWS, PHOTOS = cache.BLOCK, 12
CPU = torch.device("cpu")
SOURCES = ("drawn", "clothes") * (VIEWS // 4)
SETTINGS = loop.Settings(minutes=1, steps=4, batch=16)


def made_up_teachers(views: Tensor) -> tuple[Tensor, Tensor]:
    """Return colours by place, mixed into as many channels as the teachers have."""
    generator = torch.Generator().manual_seed(0)
    mixed = torch.randn(3, sum(CHANNELS), generator=generator)
    planes = views.permute(0, 3, 1, 2).float() / 255
    grid = torch.nn.functional.adaptive_avg_pool2d(planes, GRID).flatten(2).mT  # (N, places, 3)
    features = grid @ mixed
    return features, features.mean(1)[:, :1000]


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Sum in one order: several threads share the sums of a step as it comes."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def views(tmp_path_factory: pytest.TempPathFactory) -> cache.Arrays:
    """Return one block of views of drawn photos, as a worker writes it."""
    folder = tmp_path_factory.mktemp("cache")
    listed = [Photo(folder / f"{i}.jpg", None, "drawn", -1) for i in range(PHOTOS)]
    for seed, photo in enumerate(listed):
        drawn(seed).save(photo.path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cache, "_photos", lambda data, folder: Photos(listed, folder))
        patch.setattr(cache, "_teachers", lambda data: made_up_teachers)
        worker = cache.Worker(folder, folder, folder, cache.Recipe(VIEWS, 0))
        pooled = torch.from_numpy(worker.pooled(0))
        projection = cache.fitted_projection(pooled, cache.TARGETS)
        patch.setattr(cache, "_projection", lambda folder: Projection(*vars(projection).values()))
        cache.opened(folder, VIEWS)
        worker.written(0)
    return cache.opened(folder, VIEWS)


def test_views_come_in_pairs_of_one_photo(views: cache.Arrays) -> None:
    photos = views["photos"]
    assert (photos[::2] == photos[1::2]).all()
    assert len(set(photos.tolist())) > 8
    assert (views["views"][0] != views["views"][1]).any()


def test_batches_have_groups_of_one_source() -> None:
    order = loop.order_of(0, 0, SOURCES)
    counts = {name: sum(SOURCES[n] == name for n in order) for name in ("drawn", "clothes")}
    assert counts["clothes"] == 3 * counts["drawn"]
    for at in range(0, len(order), loop.GROUP):
        assert len({SOURCES[n] for n in order[at : at + loop.GROUP]}) == 1


@pytest.fixture(scope="module")
def straight(
    views: cache.Arrays, tmp_path_factory: pytest.TempPathFactory
) -> tuple[loop.Run, Path]:
    """Give a run that nothing stopped, and its folder."""
    folder = tmp_path_factory.mktemp("straight")
    return loop.train(views, SOURCES, folder, SETTINGS, WEIGHTS, CPU), folder


def test_a_stopped_run_goes_on_to_the_end_of_one_that_was_not(
    views: cache.Arrays, straight: tuple[loop.Run, Path], tmp_path: Path
) -> None:
    run = loop.fresh(views, SOURCES, SETTINGS, WEIGHTS, CPU)
    run.student.train()
    logged = loop.steps(views, SOURCES, run, SETTINGS, CPU, log_every=2)
    next(logged)  # after two of the four steps
    loop.save(run, tmp_path / "run.pt")
    resumed = loop.train(views, SOURCES, tmp_path, SETTINGS, WEIGHTS, CPU)
    first, second = straight[0].student.state_dict(), resumed.student.state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_what_is_trained_can_be_loaded(
    views: cache.Arrays,
    straight: tuple[loop.Run, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(finish, "EVERY", 1)  # of few views: as many as the map has channels
    run, folder = straight
    export(folder / "run.pt", views, tmp_path / "mini.safetensors")
    shipped, about = load(tmp_path / "mini.safetensors")
    x = torch.rand(2, 3, 96, 96)
    with torch.inference_mode():
        wanted = finished(folded(run.average.eval().trunk), views)(x)
        apart = (shipped(x) - wanted).abs().mean() / wanted.std()
    assert apart < 0.02  # float16
    assert about["version"] == 2


def test_the_map_that_ships_is_centred_and_whitened_in_part() -> None:
    generator = torch.Generator().manual_seed(0)
    mixed = torch.randn(16, 16, generator=generator)
    vectors = torch.randn(4000, 16, generator=generator) @ mixed
    matrix = whitening(vectors)
    before, after = (torch.linalg.eigvalsh(some.T.cov()) for some in (vectors, vectors @ matrix))
    torch.testing.assert_close(after.mean(), torch.tensor(1.0), rtol=0.01, atol=0)
    torch.testing.assert_close(
        after / after[-1], (before / before[-1]) ** (1 - POWER), rtol=0.1, atol=0.01
    )
    torch.testing.assert_close(matrix, matrix.T)


def test_unfolding_changes_nothing() -> None:
    plain, x = load()[0], torch.rand(4, 3, 64, 64)
    with torch.inference_mode():
        trunk = unfolded(plain, [x]).eval()
        torch.testing.assert_close(trunk(x), plain(x), rtol=1e-3, atol=1e-3)
        torch.testing.assert_close(folded(trunk)(x), plain(x), rtol=1e-3, atol=1e-3)


def test_the_contrast_is_lowest_where_the_views_of_a_photo_agree() -> None:
    photos = torch.arange(4).repeat_interleave(2)
    apart = torch.eye(4).repeat_interleave(2, 0)  # (8, 4): both views of a photo alike
    mixed = apart[torch.tensor([0, 2, 1, 4, 3, 6, 5, 7])]
    unknown = torch.full((8,), -1)
    assert loop.contrast_loss(apart, photos, unknown) < 0.01
    assert loop.contrast_loss(mixed, photos, unknown) > 1


def test_what_is_of_the_same_kind_is_not_held_against_a_view() -> None:
    photos = torch.arange(4).repeat_interleave(2)
    vectors = torch.eye(4)[[0, 1, 0, 1, 2, 3, 2, 3]]  # each view alike to one of another photo
    kinds = torch.tensor([0, 0, 0, 0, 1, 1, 1, 1])
    assert loop.contrast_loss(vectors, photos, torch.full((8,), -1)) > 10
    assert loop.contrast_loss(vectors, photos, kinds) < 2  # one of the five that are left


def test_a_kind_that_lies_together_costs_little() -> None:
    photos = torch.arange(4).repeat_interleave(2)
    kinds = torch.tensor([5, 5, 5, 5, 7, 7, -1, -1])
    together = torch.eye(4)[[0, 0, 0, 0, 1, 1, 2, 2]]
    apart = torch.eye(4).repeat_interleave(2, 0)
    assert loop.kind_loss(together, photos, kinds) < 0.7 + 0.01  # log 2: of two equal ones, each
    assert loop.kind_loss(apart, photos, kinds) > 1
    assert loop.kind_loss(apart, photos, torch.full((8,), -1)) == 0


def test_neighbours_as_the_teachers_see_them_cost_nothing() -> None:
    vectors = torch.nn.functional.normalize(torch.randn(8, 16), dim=1)
    assert loop.neighbour_loss(vectors, vectors * 3).abs() < 1e-6
    assert loop.neighbour_loss(vectors, vectors.flip(0)) > 0.1
