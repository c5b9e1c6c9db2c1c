import pytest

from seqtrain.training.schedule import learning_rate


@pytest.mark.parametrize(
    ("schedule", "warmup", "done", "expected"),
    [
        ("constant", 0.0, 0.0, 1.0),
        ("constant", 0.0, 1.0, 1.0),
        ("constant", 0.2, 0.0, 0.0),
        ("constant", 0.2, 0.1, 0.5),
        ("constant", 0.2, 0.2, 1.0),
        ("cosine", 0.0, 0.0, 1.0),
        ("cosine", 0.0, 0.5, 0.5),
        ("cosine", 0.0, 1.0, 0.0),
        ("cosine", 0.2, 0.2, 1.0),
        ("cosine", 0.2, 0.6, 0.5),
    ],
)
def test_rate(schedule, warmup, done, expected):
    assert learning_rate(done, peak=1.0, schedule=schedule, warmup=warmup) == pytest.approx(expected)


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_rate_scales_with_the_peak(schedule):
    rates = [learning_rate(0.3, peak=peak, schedule=schedule, warmup=0.1) for peak in (1.0, 0.002)]
    assert rates[1] == pytest.approx(rates[0] * 0.002)
