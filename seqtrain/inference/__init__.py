"""Inference: the weights as an ONNX model, and predictions from one without TensorFlow."""
