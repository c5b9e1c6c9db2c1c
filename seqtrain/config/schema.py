"""Every key of the configuration with its type, limits, default and meaning.

`docs/configuration.md` is generated from this schema.
"""

from __future__ import annotations

import os
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from seqtrain.config.problems import Conflict, shown
from seqtrain.config.values import ClassWeights, Column, ColumnOrColumns, OnePath, Paths, PathsOrShare, listed
from seqtrain.config.yaml_source import KeyPath

Cell = Literal["lstm", "gru", "rnn"]
Pooling = Literal["mean", "max", "last", "attention"]
Metric = Literal["accuracy", "macro_f1", "weighted_f1", "log_loss"]


class Block(BaseModel):
    """Keys that belong together. An empty section of the file has the defaults."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _empty(cls, values: Any) -> Any:
        return {} if values is None else values


class Columns(Block):
    """Where a row has its label, text and weight. By default columns 0 and 1 of tables, keys `label` and `text` of
    JSON lines, and no weight. Numbers count from 0 and mean that the files have no header; names stand in the
    first line of the file."""

    label: Column = Field(description="Column of the label.", examples=["label", 0])
    text: ColumnOrColumns = Field(
        description="Column of the text; of several, the texts are joined with a space.", examples=["text", 1]
    )
    weight: Column | None = Field(
        default=None,
        description="Column of the row's weight, a positive number; `null`: all rows weigh 1.",
        examples=["weight", 2],
    )

    def used(self) -> list[int | str]:
        texts = self.text if isinstance(self.text, list) else [self.text]
        return [self.label, *texts, *([] if self.weight is None else [self.weight])]

    @model_validator(mode="after")
    def _possible(self) -> Columns:
        used = self.used()
        if len({type(column) for column in used}) > 1:
            raise ValueError("has both numbers and names. Name all columns, or number all.")
        twice = [column for column in used if used.count(column) > 1]
        if twice:
            raise ValueError(
                f"uses column {shown(twice[0])} twice. Give label, text and weight columns of their own."
            )
        return self


class Data(Block):
    """Which rows to learn from and to measure on. Files are `.tsv`, `.csv`, `.jsonl` or fastText `.txt`, each also
    `.gz`. Relative paths start where the command runs; a list or a pattern stands for several files."""

    train: Paths = Field(description="Files to train on.", examples=["data/train.tsv"])
    dev: PathsOrShare = Field(
        description="Files to choose the best weights on, or the share of the training rows to hold out for it, "
        "stratified by label.",
        examples=["data/dev.tsv", 0.1],
    )
    test: Paths | None = Field(
        default=None, description="Files for `seqtrain eval`; `null`: none.", examples=["data/test.tsv"]
    )
    columns: Columns | None = Field(
        default=None, description="Columns of label, text and weight; `null`: the usual ones."
    )
    split_seed: int = Field(
        default=1, ge=0, le=2**63 - 1, description="Seed that picks the rows held out when `dev` is a share."
    )
    max_line_bytes: int = Field(
        default=1_048_576, ge=1, description="Longest line of a file that is accepted, in bytes."
    )
    bad_rows: Literal["error", "skip"] = Field(
        default="error",
        description="What becomes of rows that cannot be used: `error` ends the command, `skip` writes them to "
        "`rejected.tsv` of the run and goes on without them.",
    )
    cache: bool = Field(
        default=True,
        description="Whether the encoded texts are kept, in `.corpora` beside the run, for later runs on the same "
        "data.",
    )

    @field_validator("columns")
    @classmethod
    def _columns_fit_the_files(cls, columns: Columns | None, info: ValidationInfo) -> Columns | None:
        if columns is None:
            return columns
        splits = [info.data.get(split) for split in ("train", "dev", "test")]
        names = [name for split in splits if isinstance(split, str | list) for name in listed(split)]
        suffixes = {os.path.splitext(name.lower().removesuffix(".gz"))[1] for name in names}
        if ".jsonl" in suffixes and any(isinstance(column, int) for column in columns.used()):
            raise ValueError("has numbers, but the lines of a .jsonl file have keys. Write their names.")
        if suffixes == {".txt"}:
            raise ValueError(
                "is set, but .txt files have no columns. Delete it, or name .tsv, .csv or .jsonl files."
            )
        return columns


class Tokenizer(Block):
    """How a text becomes tokens."""

    kind: Literal["word", "whitespace", "char"] = Field(
        default="word",
        description="`word`: words and single marks; `whitespace`: what blanks separate; `char`: characters.",
    )
    lowercase: bool = Field(default=True, description="Whether capitals count as small letters.")
    max_length: int = Field(default=400, ge=1, description="Most tokens of a text that are used.")
    truncate: Literal["head", "tail", "middle"] = Field(
        default="middle",
        description="Which tokens of a longer text stay: its start, its end, or `middle`: both ends.",
    )


class Vocabulary(Block):
    """Which tokens are known. They are counted on the training rows; all others count as `<unk>`."""

    max_size: int = Field(
        default=30_000, ge=3, le=2**31 - 1, description="Most entries, `<pad>` and `<unk>` included."
    )
    min_count: int = Field(default=2, ge=1, description="Fewest occurrences in the training rows.")
    from_vectors: int = Field(
        default=20_000,
        ge=0,
        le=2**24,
        description="Most entries that `model.vectors` adds: words of its file, from the start, that the training rows "
        "do not have often enough.",
    )


class Dropout(Block):
    """Shares that are left out at random in each training step."""

    words: float = Field(default=0.5, ge=0, lt=1, description="Share of the distinct tokens of a batch.")
    rare: float = Field(
        default=0.0,
        ge=0,
        le=1000,
        description="More of the rare ones: of the steps, a word that training rows have n times is left out of "
        "rare / (rare + n) if that is more than `words`; 1: half of the steps for a word that occurs once.",
        examples=[1.0],
    )
    features: float = Field(default=0.3, ge=0, lt=1, description="Share of the pooled features of a text.")


class Wide(Block):
    """A linear classifier over word n-grams beside the network, whose answer is added to the network's (NB-SVM)."""

    ngrams: int = Field(default=2, ge=1, le=5, description="Longest n-gram that counts, in tokens.")
    buckets: int | None = Field(
        default=None,
        ge=1,
        le=2**26,
        description="Places in its table for n-grams of two tokens and more, which share them by their hash; `null`: "
        "eight for each n-gram of the training texts, at most 16 MB.",
        examples=[262144],
    )
    prefixes: int | None = Field(
        default=6,
        ge=3,
        le=64,
        description="Longest prefix of a word that counts besides, from three characters on, so that rare words share "
        "what is known of words that begin alike; `null`: none.",
    )
    strength: float | None = Field(
        default=None,
        gt=0,
        description="How closely it follows the training rows, the inverse of its L2 penalty; `null`: what is best on "
        "dev.",
        examples=[0.3],
    )
    refit: bool = Field(
        default=False,
        description="Whether it is fitted once more, to the training and the dev rows, when dev has chosen all else. "
        "The dev metrics of `fit` are from before; later ones on dev rows are of no use.",
    )


class Model(Block):
    """The shape of the network: embedding, recurrent layers, pooling, output; and what stands beside it."""

    embedding_size: int = Field(default=128, ge=1, description="Numbers per token.")
    cell: Cell = Field(default="lstm", description="Recurrent cell.")
    units: int = Field(
        default=128, ge=1, description="Numbers per token and direction that a layer puts out."
    )
    layers: int = Field(default=1, ge=1, le=64, description="Recurrent layers, one above the other.")
    bidirectional: bool = Field(
        default=True, description="Whether each layer also reads from the end to the start."
    )
    pooling: Annotated[list[Pooling], BeforeValidator(listed), Field(min_length=1)] = Field(
        default=["mean"],
        description="How the outputs of all tokens become one row of features; several are put side by side. A "
        "single one may stand without brackets.",
    )
    dropout: Dropout = Dropout()
    wide: Wide | None = Field(
        default=None,
        description="A linear classifier over word n-grams beside the network; `null`: none, `{}`: with its defaults.",
    )
    vectors: OnePath | None = Field(
        default=None,
        description="File of word vectors to start the embedding from, in the text form of GloVe, word2vec or "
        "fastText, also `.gz`; `null`: random ones.",
        examples=["glove.6B.50d.txt.gz"],
    )

    @field_validator("pooling")
    @classmethod
    def _each_once(cls, poolings: list[Pooling]) -> list[Pooling]:
        twice = [name for name in poolings if poolings.count(name) > 1]
        if twice:
            raise ValueError(f"has {shown(twice[0])} twice. Name each pooling once.")
        return poolings


class Training(Block):
    """How the weights are learnt and when to stop."""

    epochs: int = Field(default=5, ge=1, description="Times that every row is seen.")
    batch_tokens: int = Field(default=8192, ge=1, description="Most positions of a batch, padding included.")
    max_batch: int = Field(default=64, ge=1, description="Most rows of a batch.", validate_default=True)
    learning_rate: float = Field(default=0.001, gt=0, description="Highest step size of Adam.")
    schedule: Literal["cosine", "constant"] = Field(
        default="cosine", description="How the learning rate goes on after the warm-up: down to 0, or level."
    )
    warmup: float = Field(
        default=0.05,
        ge=0,
        lt=1,
        description="Share of all steps in which the learning rate rises from 0 to its highest.",
    )
    clip_norm: float | None = Field(
        default=1.0,
        gt=0,
        description="Longest gradient, as the norm over all weights; `null`: any.",
        examples=[1.0],
    )
    evaluate_every: int | None = Field(
        default=None,
        ge=1,
        description="Steps from one evaluation on dev to the next; `null`: each epoch.",
        examples=[500],
    )
    patience: int | None = Field(
        default=2,
        ge=1,
        description="Evaluations in a row without improvement after which to stop; `null`: never.",
        examples=[2],
    )
    metric: Metric = Field(
        default="accuracy",
        description="Which dev score chooses the best weights; of `log_loss` less is better.",
    )
    checkpoint_every: int | None = Field(
        default=None,
        ge=1,
        description="Steps from one checkpoint to the next, besides those at each evaluation; `null`: by time alone.",
        examples=[500],
    )
    checkpoint_minutes: float | None = Field(
        default=5.0,
        gt=0,
        description="Minutes from one checkpoint to the next; `null`: by steps and evaluations alone.",
        examples=[5.0],
    )
    class_weights: ClassWeights | None = Field(
        default=None,
        description="What a row of each label counts in the loss, besides its own weight: `balanced`: as much as that "
        "all labels count the same in total; or a number for each label, 1 where there is none; `null`: 1.",
        examples=["balanced", {"pos": 2.0}],
    )
    freeze_vectors: int = Field(
        default=0,
        ge=0,
        description="Epochs in which an embedding from `model.vectors` stays as it is, at the start.",
    )
    init_from: OnePath | None = Field(
        default=None,
        description="Run folder whose weights training starts from, as far as words and labels are the same; "
        "`null`: random ones.",
        examples=["runs/reviews"],
    )
    seed: int = Field(default=1, ge=0, le=2**31 - 1, description="Seed of weights, order and dropout.")
    threads: int | None = Field(
        default=None,
        ge=1,
        le=1024,
        description="Threads, and processes that encode; `null`: one per core.",
        examples=[2],
    )

    @field_validator("max_batch")
    @classmethod
    def _reachable(cls, max_batch: int, info: ValidationInfo) -> int:
        batch_tokens = info.data.get("batch_tokens", max_batch)
        if max_batch > batch_tokens:
            problem = f"{max_batch} rows do not fit into training.batch_tokens, {batch_tokens}. Lower the one or raise"
            raise Conflict(f"{problem} the other.", "batch_tokens")
        return max_batch


class Decision(Block):
    """From which probability on a text gets a label, where there are two; otherwise it gets the more probable one."""

    metric: Literal["accuracy", "f1", "macro_f1", "weighted_f1"] = Field(
        description="Which dev score the threshold makes best; `f1`: that of one label.", examples=["f1"]
    )
    label: str | None = Field(
        default=None,
        description="The label that `f1` is of; `null`: the rarer one in the training rows.",
        examples=["pos"],
    )

    @model_validator(mode="after")
    def _label_of_f1(self) -> Decision:
        if self.label is not None and self.metric != "f1":
            raise ValueError(f"has a label, but {self.metric} is of all labels. Delete it, or choose f1.")
        return self


class Config(Block):
    """All that determines a run besides the data."""

    data: Data
    tokenizer: Tokenizer = Tokenizer()
    vocabulary: Vocabulary = Vocabulary()
    model: Model = Model()
    training: Training = Training()
    decision: Decision | None = Field(
        default=None,
        description="How the label is chosen from the probabilities of two; `null`: the more probable one.",
    )
    baseline: bool = Field(
        default=True,
        description="Whether `fit` also measures TF-IDF and logistic regression on dev, to compare with; it is left "
        "out where the training rows have more than five million tokens.",
    )

    _origins: dict[KeyPath, str] = PrivateAttr(default_factory=dict)

    @property
    def origins(self) -> dict[KeyPath, str]:
        """The override, as `--set a.b=c`, behind each key that has one."""
        return self._origins

    def with_origins(self, origins: dict[KeyPath, str]) -> Config:
        self._origins = origins
        return self
