"""Makes the tiny corpus: `python data/tiny/generate.py` writes train.tsv, dev.tsv and test.tsv beside this file.

Each text says something good or bad, among words that say nothing. No word tells which: what is good is bad after
"not", what comes after "but" is what counts, and "loses nobody" is praise. Texts come in pairs, one of each label,
with the same other words, so nothing else can be learnt either.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeVar

HERE = Path(__file__).resolve().parent
PAIRS = {"train": 300, "dev": 60, "test": 60}
SEED = 7

T = TypeVar("T")


class Language(NamedTuple):
    """How to say that something is good or bad, and the contrary; `gap` stands between the words."""

    negations: list[str]
    good: list[str]
    bad: list[str]
    gap: str = " "


ENGLISH = Language(
    ["not", "never", "isn’t", "hardly"],
    ["good", "funny", "clever", "warm"],
    ["bad", "dull", "clumsy", "cold"],
)
LANGUAGES = [
    Language(["pas", "jamais"], ["génial", "drôle"], ["raté", "gâché"]),
    Language(["не"], ["хорошо", "весело"], ["плохо", "скучно"]),
    Language(["不"], ["好", "妙"], ["坏", "差"], gap=""),
    Language(["not"], ["👍", "😀"], ["👎", "😞"]),
]
WINS, LOSES = ["wins", "charms", "thrills"], ["loses", "bores", "annoys"]
PEOPLE, NOBODY = ["everyone", "us", "Zoë"], ["nobody", "no one"]
NEUTRAL = """
    the a this that one story plot film scene camera music actor ending opening script light evening city house dog
    train window of in on with from about after before and then there here again slowly twice café naïve Москва вечер
    東京 映画 हिन्दी 🎬 it’s o’clock 1999 3.5 director’s cut , , ; – …
""".split()  # noqa: SIM905 (a list of words is easier to read)
STRANGE_SPACES = ["\u0085", "\u2028", "\u00a0", "\u3000", "  "]
ENDS = ["", "", "", "", ".", "!", " …"]


class Dice:
    """Random choices that are the same in every Python: they use nothing but `random()`."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def chance(self, share: float) -> bool:
        return self._random.random() < share

    def between(self, low: int, high: int) -> int:
        return low + int(self._random.random() * (high - low + 1))

    def pick(self, items: list[T]) -> T:
        return items[self.between(0, len(items) - 1)]


def plain(dice: Dice) -> tuple[str, str]:
    language = pick_language(dice)
    return dice.pick(language.good), dice.pick(language.bad)


def negated(dice: Dice) -> tuple[str, str]:
    language = pick_language(dice)
    negation = dice.pick(language.negations) + language.gap
    return negation + dice.pick(language.bad), negation + dice.pick(language.good)


def contrast(dice: Dice) -> tuple[str, str]:
    good, bad = dice.pick(ENGLISH.good), dice.pick(ENGLISH.bad)
    return f"{bad} but {good}", f"{good} but {bad}"


def effect(dice: Dice) -> tuple[str, str]:
    wins, loses = dice.pick(WINS), dice.pick(LOSES)
    if dice.chance(0.5):
        people = dice.pick(PEOPLE)
        return f"{wins} {people}", f"{loses} {people}"
    nobody = dice.pick(NOBODY)
    return f"{loses} {nobody}", f"{wins} {nobody}"


def pick_language(dice: Dice) -> Language:
    return dice.pick(LANGUAGES) if dice.chance(0.2) else ENGLISH


Cue = Callable[[Dice], tuple[str, str]]
CUES: list[Cue] = [plain, negated, plain, contrast, plain, negated, plain, effect, plain, negated, plain]
SHORT, USUAL, LONG = (0, 0), (3, 12), (100, 140)
LENGTHS = [SHORT, LONG, *[USUAL] * 8]


def pair(dice: Dice, cue: Cue, length: tuple[int, int]) -> tuple[str, str]:
    """A good and a bad text with as many neutral words as `length` allows, the same in both."""
    good, bad = cue(dice)
    words = [dice.pick(NEUTRAL) for _ in range(dice.between(*length))]
    spaces = [dice.pick(STRANGE_SPACES) if dice.chance(0.02) else " " for _ in words]
    place = dice.between(0, len(words))
    before = "".join(map("".join, zip(words[:place], spaces[:place], strict=True)))
    after = "".join(map("".join, zip(spaces[place:], words[place:], strict=True))) + dice.pick(ENDS)
    capital = dice.chance(0.5)

    def text(judgement: str) -> str:
        whole = before + judgement + after
        return whole[0].upper() + whole[1:] if capital else whole

    return text(good), text(bad)


def pairs(dice: Dice) -> Iterator[tuple[str, str]]:
    """Pairs without end, none of whose texts came before, not even in another case."""
    known: set[str] = set()
    number = 0
    while True:
        good, bad = pair(dice, CUES[number % len(CUES)], LENGTHS[number % len(LENGTHS)])
        if not known & {good.casefold(), bad.casefold()}:
            known |= {good.casefold(), bad.casefold()}
            number += 1
            yield good, bad


def corpus() -> dict[str, str]:
    """The content of each file, by its name."""
    dice = Dice(SEED)
    source = pairs(dice)
    files = {}
    for split, count in PAIRS.items():
        rows = []
        for _ in range(count):
            good, bad = next(source)
            both = [f"pos\t{good}\n", f"neg\t{bad}\n"]
            rows += both if dice.chance(0.5) else both[::-1]
        files[f"{split}.tsv"] = "".join(rows)
    return files


if __name__ == "__main__":
    for name, content in corpus().items():
        (HERE / name).write_bytes(content.encode())
