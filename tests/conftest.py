"""Settings for every test: TensorFlow, where a test imports it, starts quietly and with fixed threads."""

import os
import signal

from hypothesis import settings

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
settings.register_profile("any speed", deadline=None)  # a busy machine is no fault of the code
settings.load_profile("any speed")
# A shell without job control has what runs in the background ignore SIGINT, and so would all that tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)
