"""From files to batches: reading rows, encoding them once, planning and cutting batches."""
