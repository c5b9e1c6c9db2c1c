"""The model, written to be read: NumPy loops over one unpadded text at a time.

No batch, no padding, no mask: what these functions compute is what every kernel, engine and export must
reproduce for each row of a padded batch. Weights have Keras's layout and gate order. Everything is computed
in the precision of its arguments, so float64 weights also serve as the reference for gradients.

Weight names (D embedding, H units, C classes, G gates; features = H, or 2H when bidirectional):

    embedding [vocabulary, D]
    layer_0.forward.kernel [D, G*H]   .recurrent_kernel [H, G*H]   .bias [G*H], for the GRU [2, 3H]
    layer_0.backward.*                likewise; layer_1 follows, its inputs are the features of layer_0
    attention.kernel [features, 1]    output.kernel [features * poolings, C]   output.bias [C]

Beside the network: output.scale [1], and of a wide path wide.table [n-gram features, columns], wide.bias [columns] and
wide.scale [1]; there is a column for each class, for two classes a single one.
"""

from __future__ import annotations

import numpy as np


def sigmoid(values):
    """1 / (1 + exp(-x)) without overflow for large negative x."""
    return 0.5 * (1.0 + np.tanh(0.5 * values))


def softmax(values):
    """Softmax over the last axis."""
    exponentials = np.exp(values - values.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def lstm(inputs, kernel, recurrent_kernel, bias):
    """Long short-term memory; gates in the order i f g o, bias [4H]."""
    hidden = cell = np.zeros(recurrent_kernel.shape[0], inputs.dtype)
    outputs = []
    for step in inputs:
        gates = step @ kernel + hidden @ recurrent_kernel + bias
        input_gate, forget_gate, candidate, output_gate = np.split(gates, 4)
        cell = sigmoid(forget_gate) * cell + sigmoid(input_gate) * np.tanh(candidate)
        hidden = sigmoid(output_gate) * np.tanh(cell)
        outputs.append(hidden)
    return np.stack(outputs)


def gru(inputs, kernel, recurrent_kernel, bias):
    """Gated recurrent unit with `reset_after=True`; gates z r h; bias [2, 3H], input above recurrent."""
    hidden = np.zeros(recurrent_kernel.shape[0], inputs.dtype)
    outputs = []
    for step in inputs:
        input_update, input_reset, input_candidate = np.split(step @ kernel + bias[0], 3)
        update, reset, recurrent_candidate = np.split(hidden @ recurrent_kernel + bias[1], 3)
        update_gate = sigmoid(input_update + update)
        reset_gate = sigmoid(input_reset + reset)
        candidate = np.tanh(input_candidate + reset_gate * recurrent_candidate)
        hidden = update_gate * hidden + (1.0 - update_gate) * candidate
        outputs.append(hidden)
    return np.stack(outputs)


def rnn(inputs, kernel, recurrent_kernel, bias):
    """The plain recurrent cell with tanh, bias [H]."""
    hidden = np.zeros(recurrent_kernel.shape[0], inputs.dtype)
    outputs = []
    for step in inputs:
        hidden = np.tanh(step @ kernel + hidden @ recurrent_kernel + bias)
        outputs.append(hidden)
    return np.stack(outputs)


CELLS = {"lstm": lstm, "gru": gru, "rnn": rnn}
GATES = {"lstm": 4, "gru": 3, "rnn": 1}


def both_directions(cell, inputs, forward, backward):
    """Forward outputs beside those of the reversed text, put back in reading order: [time, 2H].

    forward and backward are (kernel, recurrent_kernel, bias).
    """
    forward_outputs = cell(inputs, *forward)
    backward_outputs = cell(inputs[::-1], *backward)[::-1]
    return np.concatenate([forward_outputs, backward_outputs], axis=1)


def stack(weights, inputs, *, cell, layers, bidirectional):
    """Layer upon layer: inputs [time, D] -> outputs [time, features]."""
    outputs = inputs
    for layer in range(layers):
        forward = direction_weights(weights, layer, "forward")
        if bidirectional:
            backward = direction_weights(weights, layer, "backward")
            outputs = both_directions(CELLS[cell], outputs, forward, backward)
        else:
            outputs = CELLS[cell](outputs, *forward)
    return outputs


def direction_weights(weights, layer, direction):
    """(kernel, recurrent_kernel, bias) of one direction of one layer."""
    return tuple(
        weights[f"layer_{layer}.{direction}.{part}"] for part in ("kernel", "recurrent_kernel", "bias")
    )


def mean_pool(outputs):
    """The average over time."""
    return outputs.sum(axis=0) / len(outputs)


def max_pool(outputs):
    """The largest value over time of each feature."""
    return outputs.max(axis=0)


def last_pool(outputs, *, bidirectional):
    """The last thing each direction computed: forward at the last token, backward at the first one."""
    if not bidirectional:
        return outputs[-1]
    units = outputs.shape[1] // 2
    return np.concatenate([outputs[-1, :units], outputs[0, units:]])


def attention_pool(outputs, kernel):
    """A weighted average over time, weights softmax(tanh(outputs) @ kernel), kernel [features, 1].

    Zhou et al. 2016, "Attention-Based Bidirectional Long Short-Term Memory Networks for Relation
    Classification".
    """
    scores = np.tanh(outputs) @ kernel[:, 0]
    return softmax(scores) @ outputs


def pool(weights, outputs, *, bidirectional, pooling):
    """Every named pooling, concatenated in the order of the names: [features * poolings]."""
    poolings = {
        "mean": lambda: mean_pool(outputs),
        "max": lambda: max_pool(outputs),
        "last": lambda: last_pool(outputs, bidirectional=bidirectional),
        "attention": lambda: attention_pool(outputs, weights["attention.kernel"]),
    }
    return np.concatenate([poolings[name]() for name in pooling])


def classifier(weights, token_ids, *, cell, layers=1, bidirectional=True, pooling=("mean",)):
    """Logits [C] of one text, given as a sequence of at least one token id; pooling is a name or several."""
    names = [pooling] if isinstance(pooling, str) else pooling
    embedded = weights["embedding"][np.asarray(token_ids)]
    outputs = stack(weights, embedded, cell=cell, layers=layers, bidirectional=bidirectional)
    features = pool(weights, outputs, bidirectional=bidirectional, pooling=names)
    return features @ weights["output.kernel"] + weights["output.bias"]


def ngram_features(token_ids, *, longest, words, buckets, cut_length=0, cut=0):
    """The set of features of one text; as `seqtrain.text.ngrams` says, with the numbers that it names written out."""
    text, features = [2_147_483_646, *(int(number) for number in token_ids)], set()
    for begin in range(len(text)):
        for end in range(begin + 1, min(begin + longest, len(text)) + 1):
            over_cut = len(token_ids) == cut_length and begin <= cut < end - 1
            if 1 in text[begin:end] or end == 1 or over_cut:
                continue
            first, *others = text[begin:end]
            number = first
            for other in others:
                number = (number * 1_327_217_885 + other) % 2_147_483_647
            features.add(words + number % buckets if others else first)
    return features


def wide(weights, token_ids, **ngrams):
    """Logits [C] of the wide path for one text: a row of its table for each feature, once."""
    z = weights["wide.bias"].copy()
    for feature in sorted(ngram_features(token_ids, **ngrams)):
        z += weights["wide.table"][feature]
    return np.array([-z[0] / 2, z[0] / 2]) if len(z) == 1 else np.log(1 / (1 + np.exp(-z)))


def model(weights, token_ids, ngrams=None, **network):
    """Logits [C] of one text by a whole model; ngrams: arguments of `ngram_features`, network: of `classifier`."""
    logits = weights["output.scale"] * classifier(weights, token_ids, **network)
    return logits + weights["wide.scale"] * wide(weights, token_ids, **ngrams) if ngrams else logits


def uncalibrated(weights, token_ids, ngrams=None, **network):
    """The logits [C] of `model`, had nothing been scaled."""
    logits = classifier(weights, token_ids, **network)
    return logits + wide(weights, token_ids, **ngrams) if ngrams else logits


def softmax_cross_entropy(logits, label):
    """-log softmax(logits)[label] of one text, logits [C]."""
    largest = logits.max()
    return largest + np.log(np.exp(logits - largest).sum()) - logits[label]


def batch_loss(weights, texts, labels, example_weights, **model):
    """Σ weight·loss / Σ weight over texts, each a sequence of token ids; model as `classifier` takes it."""
    losses = [
        softmax_cross_entropy(classifier(weights, token_ids, **model), label)
        for token_ids, label in zip(texts, labels, strict=True)
    ]
    return np.dot(example_weights, losses) / np.sum(example_weights)


def random_weights(
    seed, *, vocabulary, embedding, units, classes, cell, layers=1, bidirectional=True, pooling=("mean",)
):
    """Float64 weights of ordinary size for a whole model of these shapes, biases included."""
    names = [pooling] if isinstance(pooling, str) else pooling
    features = 2 * units if bidirectional else units
    gates = GATES[cell] * units
    shapes = {"embedding": (vocabulary, embedding)}
    for layer in range(layers):
        for direction in ("forward", "backward") if bidirectional else ("forward",):
            prefix = f"layer_{layer}.{direction}"
            shapes[f"{prefix}.kernel"] = (embedding if layer == 0 else features, gates)
            shapes[f"{prefix}.recurrent_kernel"] = (units, gates)
            shapes[f"{prefix}.bias"] = (2, gates) if cell == "gru" else (gates,)
    if "attention" in names:
        shapes["attention.kernel"] = (features, 1)
    shapes["output.kernel"] = (features * len(names), classes)
    shapes["output.bias"] = (classes,)
    random = np.random.RandomState(seed)
    return {name: random.normal(scale=0.5, size=shape) for name, shape in shapes.items()}


def random_wide_weights(seed, *, features, classes):
    """Float64 weights of a wide path; small, for a text has many features."""
    columns = 1 if classes == 2 else classes
    random = np.random.RandomState(seed)
    shapes = {"wide.table": (features, columns), "wide.bias": (columns,)}
    weights = {name: random.normal(scale=0.2, size=shape) for name, shape in shapes.items()}
    return weights | {"wide.scale": np.array([0.6])}


def numeric_gradient(f, array, step=1e-6):
    """The gradient of the scalar f() by central differences, with respect to the float64 array that f reads.

    Each element is moved in place and put back, so f closes over the array (or over a dict that holds it):
    `numeric_gradient(lambda: batch_loss(weights, ...), weights["embedding"])` → an array of the same shape.
    """
    if array.dtype != np.float64:
        raise TypeError(f"central differences need float64, not {array.dtype}")
    gradient = np.zeros_like(array)
    for index in np.ndindex(array.shape):
        original = array[index]
        array[index] = original + step
        above = f()
        array[index] = original - step
        below = f()
        array[index] = original
        gradient[index] = (above - below) / (2 * step)
    return gradient
