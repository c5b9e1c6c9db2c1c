"""What a command says on standard error, and the copy of it in `run.log`."""

from __future__ import annotations

import click

from seqtrain.cli.printable import printable
from seqtrain.run import Run
from seqtrain.run.atomic import append, writing


class Console:
    """Prints lines to standard error and, once a run is attached, to its log; with `quiet` only to the log."""

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self._run: Run | None = None

    def attach(self, run: Run) -> None:
        self._run = run

    def say(self, line: str) -> None:
        if not self.quiet:
            self._show(line)
        self.note(line)

    def note(self, line: str) -> None:
        """Writes a line to the log alone, if there is one."""
        if self._run is not None:
            with writing(self._run.log_file):
                append(self._run.log_file, printable(line) + "\n")

    def _show(self, line: str) -> None:
        try:
            click.echo(printable(line), err=True)
        except BrokenPipeError:
            self.quiet = True  # nobody reads on; the run is worth finishing, and its log has the rest


def facts(name: str, *lines: str) -> str:
    """A named block of lines, the way `fit` reports its stages.

    >>> print(facts("data", "train 12 rows", "dev 3 rows"))
    data      train 12 rows
              dev 3 rows
    """
    return "\n".join(f"{name if number == 0 else '':<10}{line}" for number, line in enumerate(lines))
