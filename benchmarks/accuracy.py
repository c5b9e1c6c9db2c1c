"""Test accuracy on public sets with the recipes of configs/, next to linear peers and published figures.

    python benchmarks/accuracy.py DATA_FOLDER [mr sst2_sentences sst2 trec imdb] [--vectors FILE] [--set KEY=VALUE …]

The configs differ only in the paths of the data and in the size class. Every fit is `seqtrain fit` and `seqtrain eval`
as a user runs them, in processes of their own; the seconds are those of the whole `fit`, from reading the texts to the
checked model file. Dev chooses whatever is chosen; test is measured once, at the end. protocol.py says what the data
folder holds.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import baseline
from measure import SEQTRAIN, mean_and_sd, run, save, table
from protocol import Files, imdb, mr_folds, sst2, sst2_sentences, trec

from seqtrain.run import Run

RECIPES = Path(__file__).parent.parent / "configs"


class Protocol(NamedTuple):
    """splits: of the set, a fit for each and for each seed. published: what others report without pretraining, in %."""

    recipe: str
    splits: Callable[[Path, Path], list[Files]]
    seeds: Sequence[int]
    least: str
    published: str


def _alone(split: Callable[[Path, Path], Files]) -> Callable[[Path, Path], list[Files]]:
    return lambda folder, work: [split(folder, work)]


# Wang & Manning 2012, table 2; Kim 2014, table 2 (CNN-rand); Dai & Le 2015, table 2 (LSTM without pretraining).
SETS = {
    "mr": Protocol("small", mr_folds, (1,), "79.5", "NB-SVM 79.4, CNN-rand 76.1"),
    "sst2_sentences": Protocol("small", _alone(sst2_sentences), (1, 2, 3), "", ""),
    "sst2": Protocol("large", _alone(sst2), (1, 2, 3), "85.0", "CNN-rand 82.7"),
    "trec": Protocol("small", _alone(trec), (1, 2, 3), "90.5", "CNN-rand 91.2"),
    "imdb": Protocol("large", _alone(imdb), (1, 2, 3), "91.5", "NB-SVM 91.22, LSTM 86.5"),
}


class Fit(NamedTuple):
    """One training: dev and test accuracy of the model, test accuracy of TF-IDF, seconds of `fit`."""

    dev: float
    test: float
    tfidf: float
    seconds: float


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure test accuracy and training time on public sets.")
    parser.add_argument("folder", type=Path, help="the data folder, see protocol.py")
    parser.add_argument("sets", nargs="*", help=f"of {', '.join(SETS)}; all without any")
    parser.add_argument("--seeds", type=int, nargs="+", help="a fit for each, instead of those of the set")
    parser.add_argument("--set", dest="overrides", action="append", default=[], help="for `seqtrain fit`")
    parser.add_argument("--vectors", type=Path, help="word vectors to start from")
    parser.add_argument("--work", type=Path, default=Path("build/accuracy"), help="for runs and splits")
    parser.add_argument("--out", type=Path, help="write the results here, as JSON")
    options = parser.parse_args()
    if unknown := set(options.sets) - set(SETS):
        parser.error(f"no set is called {', '.join(sorted(unknown))}; there are {', '.join(SETS)}")
    options.work.mkdir(parents=True, exist_ok=True)
    overrides = [*options.overrides, *([f"model.vectors={options.vectors}"] if options.vectors else [])]
    results: dict[str, list[Fit]] = {}
    for name in options.sets or SETS:
        results[name] = measured(name, options.folder, options.seeds, overrides, options.work)
        print(report({name: results[name]}), flush=True)
    print(report(results))
    save(options.out, {name: [one._asdict() for one in fits] for name, fits in results.items()})


def measured(
    name: str, folder: Path, seeds: Sequence[int] | None, overrides: Sequence[str], work: Path
) -> list[Fit]:
    """A fit for each split and seed."""
    protocol, fits = SETS[name], []
    for files in protocol.splits(folder, work):
        tfidf = baseline.measured(str(files.train), _plain(files.dev), str(files.test)).test
        for seed in seeds or protocol.seeds:
            fits.append(fit(RECIPES / f"{protocol.recipe}.yaml", files, seed, overrides, work / name, tfidf))
            print(
                f"{name}: dev {fits[-1].dev:.4f}, test {fits[-1].test:.4f}, {fits[-1].seconds:.0f} s",
                flush=True,
            )
    return fits


def _plain(dev: Path | float) -> str | float:
    return dev if isinstance(dev, float) else str(dev)


def fit(recipe: Path, files: Files, seed: int, overrides: Sequence[str], place: Path, tfidf: float) -> Fit:
    """Trains and measures in fresh processes; replaces the run before."""
    settings = [f"--set={each}" for each in (*files.overrides(), f"training.seed={seed}", *overrides)]
    training = run([SEQTRAIN, "fit", str(recipe), "--out", str(place), "--overwrite", "--quiet", *settings])
    test = json.loads(run([SEQTRAIN, "eval", "--run", str(place), "--json"]).stdout)
    dev = json.loads(Run(place).metrics_file("dev").read_bytes())
    return Fit(dev["accuracy"], test["accuracy"], tfidf, training.seconds)


def report(results: dict[str, list[Fit]]) -> str:
    header = ("set", "recipe", "fits", "test accuracy", "at least", "dev", "TF-IDF", "published", "seconds")
    return table(header, [line(name, fits) for name, fits in results.items()])


def line(name: str, fits: list[Fit]) -> list[str]:
    protocol = SETS[name]
    return [
        name,
        protocol.recipe,
        str(len(fits)),
        mean_and_sd([100 * one.test for one in fits]),
        protocol.least,
        mean_and_sd([100 * one.dev for one in fits]),
        mean_and_sd([100 * one.tfidf for one in fits]),
        protocol.published,
        mean_and_sd([one.seconds for one in fits], digits=0),
    ]


if __name__ == "__main__":
    main()
