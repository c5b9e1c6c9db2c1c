"""Who trains how fast: contenders on the same batches, taking turns, with the speed of matrix products beside them."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from typing import Any

from rows import Row, summary
from workloads import TEXTS, Workload, batches, real_tokens

from contenders.process import Contender, Figures, Process, started, take_turns

YARDSTICK = Contender("Keras, Model.fit", "keras_fit", "bucketed")
PRODUCTS = (
    Contender("TensorFlow", "product", "TensorFlow"),
    Contender("PyTorch", "product", "PyTorch", needs="torch"),
)


def trainers(workload: Workload) -> Sequence[Contender]:
    """In the order of the table."""
    return (
        Contender("seqtrain, float32", "ours", "float32"),
        YARDSTICK,
        Contender(f"Keras, all texts padded to {TEXTS[workload.texts].padded_to}", "keras_fit", "padded"),
        Contender("PyTorch, padded and flipped", "pytorch", "padded", needs="torch"),
        Contender("PyTorch, packed", "pytorch", "packed", needs="torch"),
    )


def installed(contender: Contender) -> bool:
    return find_spec(contender.needs) is not None


@dataclass(frozen=True)
class Result:
    """tokens: real ones in a round; rounds: of each contender, those that count."""

    workload: Workload
    tokens: int
    rounds: Mapping[Contender, Sequence[Figures]]

    def speeds(self, contender: Contender) -> list[float]:
        """Real tokens a second, in each round."""
        return [self.tokens / figures["seconds"] for figures in self.rounds[contender]]

    def speed(self, contender: Contender) -> float:
        return statistics.median(self.speeds(contender))

    def times_yardstick(self, contender: Contender) -> float:
        return self.speed(contender) / self.speed(YARDSTICK)

    def gflops(self, contender: Contender) -> float:
        """A second, counting the arithmetic of the plain model."""
        return 1e-9 * self.workload.flops_per_token() * self.speed(contender)

    def cores(self, contender: Contender) -> float:
        """How many were busy."""
        return statistics.median(
            figures["cpu_seconds"] / figures["seconds"] for figures in self.rounds[contender]
        )


def measure(
    workloads: Sequence[Workload], sizes: Sequence[int], repeats: int
) -> tuple[list[Result], list[Row]]:
    """A result for each workload; a row for each matrix product, over all rounds: what the machine can do."""
    results: list[Result] = []
    speeds: list[Sequence[Sequence[Figures]]] = []
    with running(PRODUCTS, {"sizes": sizes}) as products:
        for workload in workloads:
            with running(trainers(workload), asdict(workload)) as training:
                result, of_products = contest(workload, training, products, repeats)
            results.append(result)
            speeds.append(of_products)
        rows = [
            summary(
                "float32 matrix product",
                f"{product.contender.name}, {size} × {size}",
                [figures[str(size)] for of_products in speeds for figures in of_products[place]],
                "GFLOP/s",
            )
            for place, product in enumerate(products)
            for size in sizes
        ]
    return results, rows


@contextmanager
def running(contenders: Sequence[Contender], settings: Mapping[str, Any]) -> Iterator[list[Process]]:
    """Processes of those that are installed, ready for rounds; they prepare side by side."""
    with ExitStack() as stack:
        processes = [stack.enter_context(started(one, settings)) for one in contenders if installed(one)]
        for process in processes:
            process.wait_until_ready()
        yield processes


def contest(
    workload: Workload, training: Sequence[Process], products: Sequence[Process], repeats: int
) -> tuple[Result, Sequence[Sequence[Figures]]]:
    """The result, and the figures of each product in the rounds that count."""
    tokens = real_tokens(batches(workload))
    contenders = [process.contender for process in training]

    def progress(number: int, figures: Sequence[Figures]) -> None:
        pairs = zip(contenders, figures, strict=False)  # the products follow
        speeds = "; ".join(f"{one.name} {tokens / answer['seconds']:,.0f}" for one, answer in pairs)
        stage = f"round {number} of {repeats}" if number else "warm-up"
        print(f"{workload.title}, {stage}: {speeds}", file=sys.stderr, flush=True)

    taken = take_turns([*training, *products], repeats, progress)
    for contender, (warm_up, *_, last) in zip(contenders, taken, strict=False):
        require_learning(contender, warm_up["loss"], last["loss"])
    counting = [figures for _, *figures in taken]
    result = Result(workload, tokens, dict(zip(contenders, counting, strict=False)))
    return result, counting[len(contenders) :]


def require_learning(contender: Contender, first: float, last: float) -> None:
    """Ends the benchmark if the loss of the last round is not below that of the first: it would not be training."""
    if not last < first:
        sys.exit(f"{contender.name} does not learn: its loss went from {first} to {last}")
