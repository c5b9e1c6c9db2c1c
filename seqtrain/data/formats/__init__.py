"""The input formats: one file each, listed in `seqtrain.data.reader.READERS`."""
