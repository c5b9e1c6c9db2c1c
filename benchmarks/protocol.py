"""The public sets that accuracy is measured on, split the way published figures split them.

The data folder holds `label<TAB>text` lines without a header:

    mr/all.tsv                           movie review sentences (Pang & Lee 2005)
    trec/{train,test}.tsv                questions by kind of answer (Li & Roth 2002)
    sst2/{train,train_phrases,dev,test}.tsv  the Stanford treebank in two classes (Socher et al. 2013)
    imdb/{train,test}.tsv.gz             whole movie reviews (Maas et al. 2011)
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from sklearn.model_selection import StratifiedKFold

DEV_SHARE = 0.1  # of train, stratified, where a set has no dev of its own
CONFIGS = Path(__file__).parent / "configs"
RECIPES = {
    "mr": CONFIGS / "many.yaml",
    "trec": CONFIGS / "few.yaml",
    "sst2": CONFIGS / "many.yaml",
    "imdb": CONFIGS / "many.yaml",
}


class Files(NamedTuple):
    """The three splits; dev may be a share of train."""

    train: Path
    dev: Path | float
    test: Path

    def overrides(self) -> list[str]:
        """The data section of a config, as `seqtrain fit --set` takes it."""
        return [f"data.{split}={place}" for split, place in self._asdict().items()]


def mr_folds(folder: Path, work: Path) -> list[Files]:
    """Ten folds, written into the work folder, since the set has no test part."""
    lines = (folder / "mr" / "all.tsv").read_bytes().removesuffix(b"\n").split(b"\n")
    labels = [line.partition(b"\t")[0].decode() for line in lines]
    folds = StratifiedKFold(10, shuffle=True, random_state=0).split(lines, labels)
    return [_fold(lines, indices, work / f"mr-{number}") for number, indices in enumerate(folds, start=1)]


def _fold(lines: Sequence[bytes], indices: Sequence[Sequence[int]], stem: Path) -> Files:
    files = Files(Path(f"{stem}-train.tsv"), DEV_SHARE, Path(f"{stem}-test.tsv"))
    for path, chosen in zip((files.train, files.test), indices, strict=True):
        path.write_bytes(b"".join(lines[index] + b"\n" for index in chosen))
    return files


def mr(folder: Path, work: Path) -> Files:
    """The first of the ten folds."""
    return mr_folds(folder, work)[0]


def trec(folder: Path, work: Path) -> Files:
    return Files(folder / "trec" / "train.tsv", DEV_SHARE, folder / "trec" / "test.tsv")


def sst2(folder: Path, work: Path) -> Files:
    """Trained on phrases."""
    return Files(*(folder / "sst2" / f"{name}.tsv" for name in ("train_phrases", "dev", "test")))


def sst2_sentences(folder: Path, work: Path) -> Files:
    return Files(*(folder / "sst2" / f"{name}.tsv" for name in ("train", "dev", "test")))


def imdb(folder: Path, work: Path) -> Files:
    return Files(folder / "imdb" / "train.tsv.gz", DEV_SHARE, folder / "imdb" / "test.tsv.gz")


SETS = {"mr": mr, "trec": trec, "sst2": sst2, "imdb": imdb}
