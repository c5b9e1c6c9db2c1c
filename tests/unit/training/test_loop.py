"""The loop with fake steps: order of events, evaluation, patience, and going on from any point."""

from __future__ import annotations

import copy

import pytest

from seqtrain.training.loop import Evaluated, Finished, Progress, Rules, Sums, train

EPOCHS, BATCHES = 3, 4


class Trainer:
    """Counts what the loop asks for; dev scores come from a list."""

    def __init__(self, scores=(), **rules):
        self.scores, self.steps = list(scores), []
        self.rules = Rules(
            **{
                "epochs": EPOCHS,
                "evaluate_every": None,
                "patience": None,
                "metric": "accuracy",
                "direction": 1,
                **rules,
            }
        )
        self.progress = Progress()

    def step(self, batch, number, rate):
        self.steps.append((batch, number, rate))
        return Sums(loss=1.0, correct=0.5, weight=2.0, tokens=10), 0.1

    def evaluate(self):
        return {self.rules.metric: self.scores.pop(0) if self.scores else 0.0}

    def events(self):
        return train(
            self.step,
            self.evaluate,
            lambda epoch: [(epoch, index) for index in range(BATCHES)],
            lambda done: done,
            self.rules,
            self.progress,
        )


@pytest.fixture(autouse=True)
def _standing_clock(monkeypatch):
    monkeypatch.setattr("time.perf_counter", lambda: 0.0)


def evaluations(events):
    return [event for event in events if isinstance(event, Evaluated)]


def test_every_batch_of_every_epoch_once_in_order():
    trainer = Trainer()
    list(trainer.events())
    assert [batch for batch, _, _ in trainer.steps] == [(e, b) for e in range(EPOCHS) for b in range(BATCHES)]
    assert [number for _, number, _ in trainer.steps] == list(range(1, EPOCHS * BATCHES + 1))


def test_the_learning_rate_follows_the_share_done_before_the_step():
    trainer = Trainer()
    list(trainer.events())
    assert [rate for _, _, rate in trainer.steps] == pytest.approx([n / 12 for n in range(12)])


def test_evaluates_at_the_end_of_each_epoch_and_sums_what_was_trained_since():
    events = evaluations(Trainer().events())
    assert [event.step for event in events] == [4, 8, 12]
    assert all(event.train == Sums(4.0, 2.0, 8.0, 40) for event in events)
    assert events[-1].done == 1.0


def test_evaluates_every_n_steps_and_at_the_very_end():
    assert [event.step for event in evaluations(Trainer(evaluate_every=5).events())] == [5, 10, 12]


def test_an_evaluation_at_the_end_happens_once():
    assert [event.step for event in evaluations(Trainer(evaluate_every=6).events())] == [6, 12]


def test_only_a_strict_improvement_is_one():
    trainer = Trainer([0.5, 0.5, 0.6])
    assert [event.improved for event in evaluations(trainer.events())] == [True, False, True]
    assert (trainer.progress.best_score, trainer.progress.best_step) == (0.6, 12)


def test_a_tie_keeps_the_earlier_best():
    trainer = Trainer([0.5, 0.5, 0.5])
    list(trainer.events())
    assert trainer.progress.best_step == BATCHES


def test_for_a_loss_less_is_better():
    trainer = Trainer([0.5, 0.7, 0.4], metric="log_loss", direction=-1)
    assert [event.improved for event in evaluations(trainer.events())] == [True, False, True]
    assert trainer.progress.best_score == 0.4


@pytest.mark.parametrize(("patience", "last_step"), [(1, 8), (2, 12), (None, 12)])
def test_stops_when_patience_is_spent(patience, last_step):
    *_, last = Trainer([0.5, 0.4, 0.4], patience=patience).events()
    assert last == Finished(last_step, "epochs" if patience is None else "patience")


def test_an_improvement_restores_patience():
    trainer = Trainer([0.5, 0.4, 0.6, 0.5, 0.5], patience=2, evaluate_every=2)
    *_, last = trainer.events()
    assert last == Finished(10, "patience")


@pytest.mark.parametrize("stop", range(1, EPOCHS * BATCHES + EPOCHS + 1))
def test_goes_on_from_the_progress_of_any_event_as_if_never_stopped(stop):
    whole = Trainer([0.5, 0.4, 0.6])
    expected = list(whole.events())
    first = Trainer([0.5, 0.4, 0.6])
    events = first.events()
    head = [next(events) for _ in range(stop)]
    second = Trainer(first.scores)
    second.progress = copy.deepcopy(first.progress)
    tail = list(second.events())
    assert first.steps + second.steps == whole.steps
    assert head + tail == expected
