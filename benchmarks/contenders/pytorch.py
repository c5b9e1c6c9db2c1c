"""PyTorch, both ways its users write a bidirectional layer over texts of different lengths."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from workloads import CLASSES, LEARNING_RATE, Workload, batches

CELLS = {"lstm": nn.LSTM, "gru": nn.GRU}


class Packed(nn.Module):
    """One bidirectional layer over a packed sequence, which holds no padding."""

    def __init__(self, cell: type[nn.RNNBase], features: int, units: int) -> None:
        super().__init__()
        self.layer = cell(features, units, batch_first=True, bidirectional=True)

    def forward(self, values: Tensor, lengths: Tensor) -> Tensor:
        packed = pack_padded_sequence(values, lengths, batch_first=True, enforce_sorted=False)
        outputs, _ = pad_packed_sequence(self.layer(packed)[0], batch_first=True)
        return masked_mean(outputs, lengths)


class Padded(nn.Module):
    """A layer a direction over padded sequences; the backward one reads each text from its own end."""

    def __init__(self, cell: type[nn.RNNBase], features: int, units: int) -> None:
        super().__init__()
        self.ahead, self.back = (cell(features, units, batch_first=True) for _ in range(2))

    def forward(self, values: Tensor, lengths: Tensor) -> Tensor:
        last = lengths[:, None] - 1
        places = (last - torch.arange(values.shape[1])).clamp(min=0)
        flipped = values.gather(1, places[:, :, None].expand_as(values))
        outputs = torch.cat([self.ahead(values)[0], self.back(flipped)[0]], dim=2)
        return masked_mean(outputs, lengths)


class Classifier(nn.Module):
    def __init__(self, workload: Workload, layer: type[Packed | Padded], sparse: bool) -> None:
        super().__init__()
        self.embedding = nn.Embedding(
            workload.vocabulary_size, workload.embedding_size, padding_idx=0, sparse=sparse
        )
        self.layer = layer(CELLS[workload.cell], workload.embedding_size, workload.units)
        self.output = nn.Linear(2 * workload.units, CLASSES)

    def forward(self, token_ids: Tensor, lengths: Tensor) -> Tensor:
        return self.output(self.layer(self.embedding(token_ids), lengths))


def masked_mean(values: Tensor, lengths: Tensor) -> Tensor:
    mask = torch.arange(values.shape[1]) < lengths[:, None]
    return (values * mask[:, :, None]).sum(1) / lengths[:, None]


def prepare(way: str, **settings: object) -> Callable[[], dict[str, float]]:
    """way: packed or padded."""
    workload = Workload(**settings)
    torch.manual_seed(1)
    model = Classifier(workload, {"packed": Packed, "padded": Padded}[way], sparse=True)
    rest = [weight for name, weight in model.named_parameters() if name != "embedding.weight"]
    optimizers = [
        torch.optim.SparseAdam([model.embedding.weight], LEARNING_RATE),
        torch.optim.Adam(rest, LEARNING_RATE),
    ]
    data = [
        tuple(torch.from_numpy(part).long() for part in (batch.token_ids, batch.lengths, batch.labels))
        for batch in batches(workload)
    ]

    def step(token_ids: Tensor, lengths: Tensor, labels: Tensor) -> float:
        loss = nn.functional.cross_entropy(model(token_ids, lengths), labels)
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
        return float(loss.detach()) * len(labels)

    def run() -> dict[str, float]:
        return {"loss": sum(step(*batch) for batch in data) / sum(len(batch[2]) for batch in data)}

    return run
