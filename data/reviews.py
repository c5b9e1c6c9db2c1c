"""Prepares the review data: downloads texts that people have rated, splits them into train, dev and test.

    python data/reviews.py [--domains movies,products,tweets,editorials] [--seed 1] [--out data/reviews]

Each file has a row `label<TAB>text` per text; see data/README.md for origin, licence and rules. What is already
there and whole is left alone. Needs pip and, the first time, the network.
"""

from __future__ import annotations

import argparse
import hashlib
import html
import io
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
REQUIREMENT = HERE / "vader.txt"
CACHE = HERE / ".cache"
ARCHIVE = "vaderSentiment-3.3.2.tar.gz"
INNER_ARCHIVE = "vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz"
DOMAINS = {
    "movies": "hutto_ICWSM_2014/movieReviewSnippets_GroundTruth.txt",
    "products": "hutto_ICWSM_2014/amazonReviewSnippets_GroundTruth.txt",
    "tweets": "hutto_ICWSM_2014/tweets_GroundTruth.txt",
    "editorials": "hutto_ICWSM_2014/nytEditorialSnippets_GroundTruth.txt",
}
SPLITS = ("train", "dev", "test")
STAMP = "stamp.json"


class Problem(Exception):
    """Something that the user can put right."""


class Row(NamedTuple):
    domain: str
    label: str
    text: str


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse_options(arguments)
    try:
        prepare(options.out, options.domains, options.seed)
    except (Problem, OSError) as problem:
        print(f"data/reviews.py: {problem}", file=sys.stderr)
        return 3
    return 0


def parse_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument(
        "--domains", type=domain_list, default=["movies", "products"], help=", ".join(DOMAINS)
    )
    parser.add_argument("--seed", type=int, default=1, help="of the split")
    parser.add_argument("--out", type=Path, default=HERE / "reviews", help="the folder to write to")
    return parser.parse_args(arguments)


def domain_list(value: str) -> list[str]:
    """The domains named in a list with commas, each once and in the order of DOMAINS."""
    names = {name.strip() for name in value.split(",")}
    if unknown := names - DOMAINS.keys():
        raise argparse.ArgumentTypeError(f"no domain {min(unknown)!r}; there are {', '.join(DOMAINS)}")
    return [domain for domain in DOMAINS if domain in names]


def prepare(out: Path, domains: Sequence[str], seed: int) -> None:
    """Writes the three files unless they are there, made by this very script for the same domains and seed."""
    recipe = {"domains": list(domains), "seed": seed, "script": sha256(Path(__file__).read_bytes())}
    if is_current(out, recipe):
        print(f"{shown(out)}: up to date ({', '.join(domains)}, seed {seed})")
        return
    refuse_foreign_files(out)
    rows, dropped = usable(read_rows(fetch(), domains))
    splits = split(rows, seed)
    write(out, splits, recipe)
    print(summary(splits, dropped))
    print(f"written to {shown(out)}")


def fetch() -> bytes:
    """The archive's bytes, from the cache if they are there unharmed, else through pip. Checked in both cases."""
    path = CACHE / ARCHIVE
    if not (path.exists() and sha256(path.read_bytes()) == pinned_hash()):
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            download(Path(folder))
            (Path(folder) / ARCHIVE).replace(path)
    data = path.read_bytes()
    if sha256(data) != pinned_hash():
        raise Problem(f"{shown(path)}: not the file whose hash {shown(REQUIREMENT)} has; delete it")
    return data


def pinned_hash() -> str:
    match = re.search(r"sha256:([0-9a-f]{64})", REQUIREMENT.read_text(encoding="utf-8"))
    if match is None:
        raise Problem(f"{shown(REQUIREMENT)}: has no sha256")
    return match[1]


def download(folder: Path) -> None:
    """Lets pip put the archive into the folder; pip checks the hash before it looks into the archive."""
    print("Downloading the rated texts (2.4 MB) …", file=sys.stderr, flush=True)
    pip = [sys.executable, "-m", "pip", "--quiet", "--no-input", "--disable-pip-version-check", "download"]
    what = [
        "--no-deps",
        "--no-binary",
        ":all:",
        "--require-hashes",
        "-r",
        str(REQUIREMENT),
        "-d",
        str(folder),
    ]
    done = subprocess.run([*pip, *what], capture_output=True, text=True, errors="replace", check=False)
    if done.returncode or not (folder / ARCHIVE).exists():
        raise Problem(pip_problem(done.stderr))


def pip_problem(stderr: str) -> str:
    errors = [line.strip() for line in stderr.splitlines() if "WARNING" not in line and line.strip()]
    said = next((line for line in errors if line.startswith("ERROR")), errors[-1] if errors else "nothing")
    return (
        f"pip could not download {ARCHIVE}; it said: {said}\n"
        f"  Check the network and `{Path(sys.executable).name} -m pip --version`, then try again. Without a network, "
        f"put {ARCHIVE} into {shown(CACHE)}."
    )


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def read_rows(archive: bytes, domains: Sequence[str]) -> list[tuple[str, float, str]]:
    """Domain, mean rating and text of every line of the domains' files, in their order."""
    inner = member(archive, INNER_ARCHIVE)
    return [(domain, *rated) for domain in domains for rated in parse(member(inner, DOMAINS[domain]))]


def member(archive: bytes, name: str) -> bytes:
    """The content of one file of a tar.gz; nothing is unpacked to the disk."""
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        file = tar.extractfile(name)
        if file is None:
            raise Problem(f"{name} in {ARCHIVE} is no file")
        return file.read()


def parse(data: bytes) -> list[tuple[float, str]]:
    """Mean rating (-4 to 4) and clean text of each line `id<TAB>rating<TAB>text`, in UTF-8, ended by CRLF."""
    lines = data.decode("utf-8").removesuffix("\r\n").split("\r\n")
    return [(float(rating), clean(text)) for _, rating, text in (line.split("\t") for line in lines)]


def clean(text: str) -> str:
    """The text with character references resolved (`&amp;`, some of them `&amp;amp;`) and single spaces."""
    return " ".join(html.unescape(html.unescape(text)).split())


def usable(rated: Iterable[tuple[str, float, str]]) -> tuple[list[Row], Counter[str]]:
    """The rows with a sign as label, each text once, and how many lines were dropped for which reason.

    Texts are the same if they are so without regard to case and white space. Of several with one label the first
    stays; of several with two labels none does.
    """
    dropped: Counter[str] = Counter()
    groups: dict[str, list[Row]] = {}
    for domain, rating, text in rated:
        if rating == 0:
            dropped["rated zero"] += 1
        else:
            row = Row(domain, "pos" if rating > 0 else "neg", text)
            groups.setdefault(key(text), []).append(row)
    rows = []
    for group in groups.values():
        if len({row.label for row in group}) > 1:
            dropped["same text with both labels"] += len(group)
        else:
            dropped["same text again"] += len(group) - 1
            rows.append(group[0])
    return rows, dropped


def key(text: str) -> str:
    return " ".join(text.casefold().split())


def split(rows: Iterable[Row], seed: int) -> dict[str, list[Row]]:
    """A tenth of each domain's rows of each label for test, a tenth for dev, the rest for train.

    Chance comes from the SHA-256 of seed and text alone: the outcome is the same on every machine and does not depend
    on the order of the rows.
    """
    ordered = sorted(rows, key=lambda row: draw("split", seed, row))
    sizes = Counter((row.domain, row.label) for row in ordered)
    seen: Counter[tuple[str, str]] = Counter()
    splits: dict[str, list[Row]] = {name: [] for name in SPLITS}
    for row in ordered:
        stratum = row.domain, row.label
        tenth = (sizes[stratum] + 5) // 10
        name = "test" if seen[stratum] < tenth else "dev" if seen[stratum] < 2 * tenth else "train"
        splits[name].append(row)
        seen[stratum] += 1
    return {name: sorted(part, key=lambda row: draw("order", seed, row)) for name, part in splits.items()}


def draw(purpose: str, seed: int, row: Row) -> str:
    return sha256(f"{purpose}\t{seed}\t{key(row.text)}".encode())


def is_current(out: Path, recipe: dict[str, object]) -> bool:
    """Whether the folder holds what this recipe makes, to the byte."""
    try:
        written = json.loads((out / STAMP).read_bytes())
        contents = {name: (out / f"{name}.tsv").read_bytes() for name in SPLITS}
    except (OSError, ValueError):
        return False
    return bool(written == stamp(recipe, contents))


def stamp(recipe: dict[str, object], contents: dict[str, bytes]) -> dict[str, object]:
    return {**recipe, "files": {name: sha256(data) for name, data in contents.items()}}


def refuse_foreign_files(out: Path) -> None:
    """Raises Problem rather than let files that someone else has put there be overwritten."""
    found = [f"{name}.tsv" for name in SPLITS if (out / f"{name}.tsv").exists()]
    if found and not (out / STAMP).exists():
        raise Problem(
            f"{shown(out)} holds a {found[0]} that is not from here; move it away or choose another --out"
        )


def write(out: Path, splits: dict[str, list[Row]], recipe: dict[str, object]) -> None:
    contents = {
        name: "".join(f"{row.label}\t{row.text}\n" for row in rows).encode() for name, rows in splits.items()
    }
    out.mkdir(parents=True, exist_ok=True)
    # The stamp goes first: should we be stopped, it tells the next run that the folder is ours but not whole.
    write_file(out / STAMP, json.dumps(stamp(recipe, contents), indent=1).encode() + b"\n")
    for name, data in contents.items():
        write_file(out / f"{name}.tsv", data)


def write_file(path: Path, data: bytes) -> None:
    """Replaces the file in one step: it is the old one or the new one, never half of it."""
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_bytes(data)
    temporary.replace(path)


def shown(path: Path) -> Path:
    """The path as seen from where the command runs."""
    path = path.resolve()
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def summary(splits: dict[str, list[Row]], dropped: Counter[str]) -> str:
    """A table of the rows by split, domain and label, and what was dropped."""
    counts = {name: Counter(f"{row.domain} {row.label}" for row in rows) for name, rows in splits.items()}
    strata = dict.fromkeys(stratum for name in SPLITS for stratum in sorted(counts[name]))
    lines = [(stratum, [counts[name][stratum] for name in SPLITS]) for stratum in strata]
    lines.append(("all", [counts[name].total() for name in SPLITS]))
    table = [f"{'':16}" + "".join(f"{name:>8}" for name in SPLITS)]
    table += [f"{stratum:16}" + "".join(f"{count:8,}" for count in numbers) for stratum, numbers in lines]
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in dropped.items()) or "nothing"
    return "\n".join([*table, f"left out: {reasons}"])


if __name__ == "__main__":
    sys.exit(main())
