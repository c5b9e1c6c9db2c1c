"""The public sets that accuracy is measured on, split the way published figures split them.

The data folder holds `label<TAB>text` lines without a header:

    mr/all.tsv                           movie review sentences (Pang & Lee 2005)
    trec/{train,test}.tsv                questions by kind of answer (Li & Roth 2002)
    sst2/{train_phrases,dev,test}.tsv    the Stanford treebank, two classes, phrases to train on (Socher et al. 2013)
    imdb/{train,test}.tsv.gz             whole movie reviews (Maas et al. 2011)
"""

from __future__ import annotations

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


def mr(folder: Path, work: Path) -> Files:
    """The first of ten folds, written into the work folder, since the set has no test part."""
    lines = (folder / "mr" / "all.tsv").read_bytes().removesuffix(b"\n").split(b"\n")
    labels = [line.partition(b"\t")[0].decode() for line in lines]
    folds = StratifiedKFold(10, shuffle=True, random_state=0).split(lines, labels)
    files = Files(work / "mr-train.tsv", DEV_SHARE, work / "mr-test.tsv")
    for path, indices in zip((files.train, files.test), next(folds), strict=True):
        path.write_bytes(b"".join(lines[index] + b"\n" for index in indices))
    return files


def trec(folder: Path, work: Path) -> Files:
    return Files(folder / "trec" / "train.tsv", DEV_SHARE, folder / "trec" / "test.tsv")


def sst2(folder: Path, work: Path) -> Files:
    return Files(*(folder / "sst2" / f"{name}.tsv" for name in ("train_phrases", "dev", "test")))


def imdb(folder: Path, work: Path) -> Files:
    return Files(folder / "imdb" / "train.tsv.gz", DEV_SHARE, folder / "imdb" / "test.tsv.gz")


SETS = {"mr": mr, "trec": trec, "sst2": sst2, "imdb": imdb}
