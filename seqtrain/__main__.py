"""`python -m seqtrain`, the same as the `seqtrain` command."""

from seqtrain.cli import main

main()
