import itertools

import pytest

from tvcli.core.errors import UsageError
from tvcli.core.files.sampling import Sample, parse_sample

RECORDS = [(f"{number:03}.jpg", part) for number in range(400) for part in range(3)]


def photos(sample: Sample, records: list[tuple[str, int]] = RECORDS) -> list[str]:
    return list(dict.fromkeys(name for name, _ in sample.of(records, lambda r: r[0])))


def test_a_photo_is_taken_with_all_of_its_records_in_order() -> None:
    for sample in (Sample(7), Sample(many=50), Sample(share=0.25), Sample(5, many=50)):
        taken = list(sample.of(RECORDS, lambda record: record[0]))
        names = {name for name, _ in taken}
        assert taken == [record for record in RECORDS if record[0] in names]


def test_how_many_are_taken() -> None:
    assert photos(Sample(7)) == [f"{number:03}.jpg" for number in range(7)]
    assert len(photos(Sample(many=50))) == 50
    assert len(photos(Sample(many=1000))) == 400
    assert 60 < len(photos(Sample(share=0.25))) < 140
    assert Sample(30, share=0.25).expected(400) == 30


def test_a_seed_draws_others_and_always_the_same() -> None:
    assert photos(Sample(many=50, seed=1)) == photos(Sample(many=50, seed=1))
    assert photos(Sample(many=50, seed=1)) != photos(Sample(many=50, seed=2))


def test_a_share_stays_when_photos_are_added() -> None:
    half = RECORDS[:600]
    assert set(photos(Sample(share=0.3), half)) == set(photos(Sample(share=0.3))) & {
        name for name, _ in half
    }


def test_records_of_a_photo_need_not_be_together() -> None:
    mixed = sorted(RECORDS, key=lambda record: (record[1], record[0]))
    assert set(photos(Sample(many=50), mixed)) == set(photos(Sample(many=50)))


def test_a_limit_reads_no_further() -> None:
    endless = ((f"{number}.jpg", 0) for number in itertools.count())
    assert len(list(Sample(3).of(endless, lambda record: record[0]))) == 3


def test_what_the_options_say() -> None:
    assert parse_sample(None, None) == Sample()
    assert parse_sample(5, "500", 3) == Sample(5, many=500, seed=3)
    assert parse_sample(None, "0.1").share == parse_sample(None, "10%").share == 0.1
    assert parse_sample(None, "1").many == 1 and parse_sample(None, "1.0").share == 1.0
    for wrong in ("0", "-1", "1.5", "some", "150%", "nan", ""):
        with pytest.raises(UsageError, match="--sample"):
            parse_sample(None, wrong)
