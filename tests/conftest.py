"""What tests share: small pictures, the real data where it is, and `tv` in this process."""

import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from PIL import Image, ImageDraw

REPOSITORY = Path(__file__).parents[1]
REAL_DATA = REPOSITORY.parent / "shared" / "data"

# How long an example takes says more of the machine than of the code.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("tv-all", UNHURRIED, max_examples=100)
settings.register_profile("tv", UNHURRIED, max_examples=40)
settings.load_profile("tv")


def pytest_configure() -> None:
    """Have what the tests start answer to Ctrl-C, where they run in a shell's background."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what is tested with annoy where it is not installed, which needs a compiler."""
    if find_spec("annoy"):
        return
    for item in items:
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        if "annoy" in str(list(parameters.values())) or item.get_closest_marker("annoy"):
            item.add_marker(pytest.mark.skip(reason="extra annoy"))


@pytest.fixture(autouse=True, scope="session")
def graph_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the graphs of backbones, settings and what is trusted in folders of the tests' own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture
def real_data() -> Path:
    """Give the folder of real photos and weights."""
    if not REAL_DATA.is_dir():
        pytest.skip(f"no real photos: {REAL_DATA} is not there")
    return REAL_DATA


@pytest.fixture
def squeezenet_weights(real_data: Path) -> Path:
    """Give real weights of squeezenet1_1."""
    return next((real_data / "weights").glob("squeezenet1_1-*.pth"))


def picture(seed: int, width: int = 96, height: int = 80) -> Image.Image:
    """Return a smooth coloured picture, another for each seed."""
    coarse = np.random.default_rng(seed).integers(0, 256, (5, 5, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def drawn(seed: int, width: int = 320, height: int = 240) -> Image.Image:
    """Return a picture with edges and corners, another for each seed: what key points need."""
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", (width, height), tuple(rng.integers(60, 200, 3).tolist()))
    pen = ImageDraw.Draw(image)
    for _ in range(60):
        (x0, x1), (y0, y1) = np.sort(rng.integers(0, width, 2)), np.sort(rng.integers(0, height, 2))
        shape = (pen.rectangle, pen.ellipse, pen.line)[int(rng.integers(3))]
        x1, y1 = min(x1, x0 + width // 3), min(y1, y0 + height // 3)
        shape([int(x0), int(y0), int(x1), int(y1)], fill=tuple(rng.integers(0, 256, 3).tolist()))
    return image


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Give a folder of eight photos, three of them in a folder inside."""
    folder = tmp_path / "photos"
    (folder / "inner").mkdir(parents=True)
    for number in range(8):
        where = folder / "inner" if number >= 5 else folder
        picture(number).save(where / f"{number}.png")
    return folder


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    status: int
    out: str
    err: str


@pytest.fixture
def tv(capfd: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Run `tv` in this process: `tv("search", path, "-k", 3)`."""
    from tvcli.cli import run

    def call(*arguments: object) -> Ran:
        capfd.readouterr()
        status = run([str(argument) for argument in arguments])
        captured = capfd.readouterr()
        return Ran(int(status), captured.out, captured.err)

    return call


BROWSER_WITHOUT = ["sandbox", "first-run"]
BROWSER_OFF = ["gpu", "quic", "background-networking", "component-update", "sync"]
# Chromium takes the last list of features alone: what Playwright turns off is said again. The
# pop-ups of the address bar are pages, loaded for each window: half of what a new page costs.
BROWSER_FEATURES_OFF = [
    *("WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "WebUIOmniboxFullPopup", "AimEnabled"),
    *("AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "LensOverlay"),
    *("HttpsUpgrades", "HttpsFirstBalancedModeAutoEnable", "MediaRouter", "OptimizationHints"),
    *("PaintHolding", "PreconnectToSearch", "NetworkTimeServiceQuerying"),
    *("AvoidCorsURLLoaderRestartOnRedirect", "ThirdPartyStoragePartitioning"),
]
BROWSER_ARGUMENTS = [
    *(f"--no-{name}" for name in BROWSER_WITHOUT),
    *(f"--disable-{name}" for name in BROWSER_OFF),
    f"--disable-features={','.join(BROWSER_FEATURES_OFF)}",
]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """Give the system's Chromium, driven by Playwright."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    executable = shutil.which("chromium") or shutil.which("chromium-browser")
    if executable is None:
        pytest.skip("no chromium on this system")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=executable, args=BROWSER_ARGUMENTS)
        yield browser
        browser.close()
