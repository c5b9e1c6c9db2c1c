"""What fuzzing needs here and in tests/fuzz: nasty inputs, ways to make them worse, and the laws of reading."""
