"""From text to token ids: tokenizers and the vocabulary. Needs the standard library alone."""
