"""Who trains in `make bench`; each module's `prepare` returns a function that runs one round."""
