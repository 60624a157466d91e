import numpy as np

from tvcli.core.images.float16 import FEW, VALUES_AT_ONCE, as_float32


def test_every_float16_becomes_the_float32_of_the_same_value() -> None:
    every = np.arange(65_536, dtype=np.uint16).view(np.float16)
    finite = every[np.isfinite(every)]
    for halves in (every, finite, finite[:FEW], np.tile(finite, VALUES_AT_ONCE // len(finite) + 2)):
        expected = halves.astype(np.float32)
        assert (as_float32(halves).view(np.int32) == expected.view(np.int32)).all()


def test_shapes_and_places_in_memory_do_not_matter() -> None:
    halves = np.random.default_rng(0).normal(size=(7, 40, 60)).astype(np.float16)
    for some in (halves, halves[::2, :, 1:], halves.T, halves[:, :0]):
        found = as_float32(some)
        assert found.shape == some.shape
        assert found.flags.writeable
        assert (found == some.astype(np.float32)).all()
