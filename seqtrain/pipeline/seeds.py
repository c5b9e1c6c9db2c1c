"""One config with several seeds: each is a run inside the run, which gets the files of the one that is best on dev."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seqtrain import settings
from seqtrain.config import Config
from seqtrain.errors import RunError
from seqtrain.evaluation.metrics import METRICS
from seqtrain.pipeline.resuming import FREE, changes
from seqtrain.run import MOST_BYTES, Run
from seqtrain.run.atomic import atomic_link, atomic_write, write_json, writing
from seqtrain.run.new import NewRun, now
from seqtrain.run.provenance import as_text
from seqtrain.untrusted import damaged, parse_json, read_file

OF_A_SEED_ALONE = (".", "run.json", "run.log", "events.out.")
"""How the names of files begin that the run does not get from a seed."""
OF_THE_RUN_ALONE = {"status", "error", "overwrite", "history", "started", "finished", "command"}
"""Keys of run.json that the run does not get from a seed."""


@dataclass(frozen=True)
class SeedBegun:
    """A seed is to be trained, the `number`th of `count`, unless it is finished already; run: the whole."""

    run: Run
    seed: int
    number: int
    count: int


@dataclass(frozen=True)
class SeedsCompared:
    """All seeds are trained, and the run has the files of the best one."""

    run: Run
    comparison: Comparison


@dataclass(frozen=True)
class SeedResult:
    """How a finished seed did: the step of its best weights, their METRICS on dev, and the seconds of its training.

    score: that of the metric that chooses.
    """

    seed: int
    best_step: int
    score: float
    dev: Mapping[str, float | None]
    seconds: float


@dataclass(frozen=True)
class Comparison:
    """Two seeds or more, in order; metric: that which chooses."""

    metric: str
    results: Sequence[SeedResult]

    @property
    def chosen(self) -> SeedResult:
        """The best on dev, of equals the first."""
        return max(self.results, key=lambda result: METRICS[self.metric] * result.score)

    def mean(self, name: str) -> float | None:
        """That of a metric on dev; None where it is not defined for all seeds."""
        values = self._values(name)
        return statistics.fmean(values) if values else None

    def standard_deviation(self, name: str) -> float | None:
        """That of a metric on dev over seeds, with n - 1 below; None as for the mean."""
        values = self._values(name)
        return statistics.stdev(values) if values else None

    def _values(self, name: str) -> list[float]:
        values = [value for result in self.results if (value := result.dev[name]) is not None]
        return values if len(values) == len(self.results) else []

    def facts(self) -> dict[str, Any]:
        """The content of metrics/seeds.json, which is the same each time the run is repeated."""
        return {
            "metric": self.metric,
            "chosen": self.chosen.seed,
            "seeds": [
                {"seed": result.seed, "best_step": result.best_step, "dev": dict(result.dev)}
                for result in self.results
            ],
            "mean": {name: self.mean(name) for name in METRICS},
            "standard_deviation": {name: self.standard_deviation(name) for name in METRICS},
        }


def fit_seeds(
    config: Config,
    count: int,
    *,
    out: str | Path,
    train: Callable[[int, Path], None],
    overwrite: bool = False,
    resume: bool = False,
    notify: Callable[[Any], None] = lambda event: None,
) -> Run:
    """Trains `count` seeds, at least two, from that of the config on; returns the run, which has the best one's files.

    train: trains the config with a seed into a folder, or goes on with what is there; raises what ends it early.
    resume: go on with the run that is there, which may have fewer seeds.

    An older run stays in its place until all seeds are trained; if there is none, the new one is there at once, and
    goes again if it ends before a seed has a checkpoint. Raises the errors of `seqtrain.errors`, and what `train` does.
    """
    first = settings.seed(config)
    seeds = list(range(first, first + count))
    with closing(NewRun(out, overwrite=overwrite, resume=resume, seeds=seeds)) as run:
        try:
            run.promote(replace=False)
            before = _begin(run, seeds)
            for number, seed in enumerate(seeds, start=1):
                notify(SeedBegun(run, seed, number, count))
                train(seed, run.seed(seed).path)
                _require_alike(config, run, seed)
            metric = settings.rules(config).metric
            comparison = Comparison(metric, [_result(seed, run.seed(seed), metric) for seed in seeds])
            if not (_finished(run) and before == _infos(run)):
                _finish(run, comparison)
            run.promote()
            notify(SeedsCompared(run, comparison))
        except BaseException as error:
            run.abandon(error)
            raise
        return run


def _begin(run: NewRun, seeds: list[int]) -> dict[int, Any]:
    """Records that it goes on, unless all may be done already; returns run.json of the seeds that are there."""
    if not run.goes_on:
        run.record("started", {"started": now(), "command": list(map(as_text, sys.argv))})
    elif not _finished(run) or run.info().get("seeds") != seeds:
        run.record("resumed", {"status": "running", "error": None, "seeds": seeds}, after=run.status())
    return _infos(run)


def _finished(run: Run) -> bool:
    return run.status() == "finished" and run.metrics_file("seeds").exists() and run.is_whole()


def _infos(run: Run) -> dict[int, Any]:
    return {seed: one.info() for seed, one in run.seeds().items()}


def _require_alike(config: Config, run: Run, seed: int) -> None:
    """RunError unless a seed was trained by the config, but for what may be another one, on the data of the first."""
    one, first = run.seed(seed), run.seed(settings.seed(config))
    keys = changes(config.model_dump(), one.config().model_dump())
    files = changes(first.info().get("data_sha256", {}), one.info().get("data_sha256", {}))
    lines = [str(change) for change in keys if change.key not in {*FREE, "training.seed"}]
    lines += [f"{change.key}: is not what it was for {first.path}" for change in files]
    if lines:
        what = "\n  ".join([f"{one.path}: is no seed like the others, because of what has changed:", *lines])
        raise RunError(what, hint="Delete it and go on with --resume, or train anew with --overwrite.")


def _result(seed: int, run: Run, metric: str) -> SeedResult:
    """How a seed's run did. Raises RunError where its files are damaged."""
    dev = parse_json(read_file(run.metrics_file("dev"), most_bytes=MOST_BYTES), str(run.metrics_file("dev")))
    journal = read_file(run.journal_file, most_bytes=MOST_BYTES)
    events = [parse_json(line, str(run.journal_file)) for line in journal.splitlines()]
    try:
        return SeedResult(
            seed,
            best_step=max(event["step"] for event in events if event.get("best")),
            score=float(dev[metric]),
            dev={name: dev[name] for name in METRICS},
            seconds=sum(event["seconds"] for event in events if event["event"] in ("train", "dev")),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise damaged(run.path, "its metrics are not those of a finished run") from error


def _finish(run: NewRun, comparison: Comparison) -> None:
    best = run.seed(comparison.chosen.seed)
    _adopt(run, best)
    write_json(run.metrics_file("seeds"), comparison.facts())
    facts = {key: value for key, value in best.info().items() if key not in OF_THE_RUN_ALONE}
    run.record("finished", {**facts, "status": "finished", "finished": now()}, seed=comparison.chosen.seed)


def _adopt(run: Run, best: Run) -> None:
    """The run gets the files of a seed; what has been measured of another one's model goes."""
    files = {
        run.path / file.relative_to(best.path): file
        for pattern in ("*", "metrics/*")
        for file in best.path.glob(pattern)
        if file.is_file() and not file.name.startswith(OF_A_SEED_ALONE) and file.suffix != ".tmp"
    }
    for target, file in files.items():
        if file == best.journal_file:
            atomic_write(target, read_file(file, most_bytes=MOST_BYTES))  # it grows in place
        else:
            atomic_link(file, target)
    for old in run.path.glob("metrics/*"):
        if old not in files:
            with writing(old):
                old.unlink()
