"""Evaluation: probabilities in, metrics out. No TensorFlow here."""
