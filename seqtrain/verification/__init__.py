"""Proofs that a model keeps its promises, on the user's own texts and on the hardest ones there are."""
