"""seqtrain: train, evaluate and ship small text classifiers on an ordinary CPU."""

__version__ = "0.1.0"
