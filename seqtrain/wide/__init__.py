"""The wide path: a linear classifier over word n-grams beside the network (NB-SVM)."""
