"""The time loops of the recurrence as machine code, made for the processor at hand when a model is first trained.

A step multiplies the previous outputs by the recurrent kernel and puts the products through the gates. As operations
of TensorFlow that is a product and some twenty passes over memory, each dispatched on its own. Here it is one pass: a
*tile*, some rows × one vector of units, is multiplied in registers, all gates of these units side by side, goes
through the cell in registers, and only then to memory.

`vectors` has the registers as values of Python's arithmetic, `tiles` the code of one tile, `loops` the loops over
units, rows and time. All is float32, in the calling thread, and does not hold Python's global lock.
"""
