import numpy as np
import pytest
from PIL import Image

from tvcli.demo.drawing.collection import design_garment, draw_photo
from tvcli.demo.drawing.photo import Photo


def photo_of(worn: np.ndarray) -> Photo:
    return Photo(Image.new("RGB", worn.shape[::-1]), worn)


def test_box_is_the_half_open_extent_of_what_is_worn() -> None:
    worn = np.zeros((10, 12))
    worn[3:7, 2] = 0.9
    worn[4, 2:9] = 0.6
    assert photo_of(worn).box == [2, 3, 9, 7]


def test_box_leaves_out_what_is_barely_covered() -> None:
    worn = np.zeros((6, 6))
    worn[2:4, 2:4] = 1
    worn[1, :] = 0.3
    assert photo_of(worn).box == [2, 2, 4, 4]


@pytest.mark.parametrize("index", range(6))
def test_box_touches_the_garment_on_all_sides(index: int) -> None:
    photo = draw_photo(index, 1, size=96)
    x0, y0, x1, y1 = photo.box
    shown = photo.worn >= 0.5
    assert shown[y0, :].any() and shown[y1 - 1, :].any()
    assert shown[:, x0].any() and shown[:, x1 - 1].any()
    assert shown.sum() == shown[y0:y1, x0:x1].sum()


@pytest.mark.parametrize("index", range(6))
def test_worn_is_a_share_of_each_pixel(index: int) -> None:
    photo = draw_photo(index, 2, size=96)
    assert photo.worn.shape == photo.image.size[::-1]
    assert photo.worn.min() >= 0
    assert photo.worn.max() <= 1 + 1e-9


def test_worn_pixels_show_the_cloth() -> None:
    """A plain garment's pixels are near one hue; those around it are not."""
    index = next(i for i in range(40) if design_garment(i).colour == "red"
                 and design_garment(i).cloth.pattern == "plain")  # fmt: skip
    photo = draw_photo(index, 1, size=96)
    pixels = np.asarray(photo.image, dtype=float)
    reddish = pixels[..., 0] > 1.6 * pixels[..., 1:].max(axis=-1)
    assert reddish[photo.worn > 0.9].mean() > 0.9
    assert reddish[photo.worn < 0.1].mean() < 0.3
