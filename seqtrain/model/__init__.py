"""The classifier: embedding, masked recurrence, masked pooling, logits. Plain TensorFlow, no Keras."""
