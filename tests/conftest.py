"""Settings for every test: TensorFlow, where a test imports it, starts quietly and with fixed threads."""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
