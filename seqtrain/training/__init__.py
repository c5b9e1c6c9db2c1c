"""Training: the step, the loop around it, and what they need. The only room besides `model` that imports TensorFlow."""
