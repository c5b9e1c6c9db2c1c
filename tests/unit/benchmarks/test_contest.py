from __future__ import annotations

import pytest
from contenders.contest import YARDSTICK, Result, require_learning
from contenders.process import Contender, take_turns
from workloads import WORKLOADS

OURS = Contender("ours", "ours", "float32")


class Counting:
    """Stands for a process; answers with the place of its turn among all turns."""

    turns = 0

    def round(self):
        Counting.turns += 1
        return {"turn": Counting.turns}


def test_all_take_turns_and_every_second_round_goes_backwards(monkeypatch):
    monkeypatch.setattr(Counting, "turns", 0)
    told = []
    taken = take_turns([Counting(), Counting(), Counting()], 2, lambda *stage: told.append(stage))
    assert [[figures["turn"] for figures in one] for one in taken] == [[1, 6, 7], [2, 5, 8], [3, 4, 9]]
    assert [number for number, _ in told] == [0, 1, 2]
    assert told[1][1] == [{"turn": 6}, {"turn": 5}, {"turn": 4}]


def test_a_result_compares_medians_and_counts_the_plain_arithmetic():
    rounds = {
        OURS: [{"seconds": seconds, "cpu_seconds": 1.5} for seconds in (1.0, 0.1, 0.5)],
        YARDSTICK: [{"seconds": 2.0, "cpu_seconds": 2.0}],
    }
    result = Result(WORKLOADS["long"], 1000, rounds)
    assert result.speeds(OURS) == [1000, 10_000, 2000]
    assert result.speed(OURS) == 2000
    assert result.times_yardstick(OURS) == 4
    assert result.gflops(OURS) == pytest.approx(2000 * 1_572_864 / 1e9)
    assert result.cores(OURS) == 3


@pytest.mark.parametrize("last", [0.7, 0.8, float("nan")])
def test_who_does_not_learn_ends_the_benchmark(last):
    with pytest.raises(SystemExit, match="ours does not learn"):
        require_learning(OURS, 0.7, last)


def test_who_learns_goes_on():
    require_learning(OURS, 0.7, 0.6)
