"""The command line: a lazy group of commands, and the one place where errors become messages and exit codes.

Each command lives in a file of its own, imported when it is called, so that `--help` answers at once.
"""

from __future__ import annotations

import errno
import importlib
import os
import signal
import sys
import traceback
from collections.abc import Mapping
from types import FrameType
from typing import Any, NoReturn

import click

from seqtrain import __version__
from seqtrain.cli.printable import printable
from seqtrain.errors import RunError, SeqtrainError

# Name → what it does, here so that the list of commands costs no import.
COMMANDS = {
    "fit": "Train a classifier from a YAML file.",
    "eval": "Measure a trained classifier on labelled texts.",
    "predict": "Label new texts.",
    "export": "Write a trained classifier in another form.",
    "check": "Look at a config, its data or a model.",
}

INTERRUPTED, TERMINATED, BUG = 130, 143, 1


class Terminated(BaseException):
    """SIGTERM; not an Exception, so that nothing but `main` stops it."""


class LazyGroup(click.Group):
    """A group whose commands are imported on use: the module NAME of the package holds `command`.

    summaries: name → what it does.
    """

    def __init__(self, *args: Any, package: str, summaries: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._package, self._summaries = package, summaries

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._summaries)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in self._summaries:
            return None
        command: click.Command = importlib.import_module(f"{self._package}.{name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(self._summaries.items()))


@click.group(
    cls=LazyGroup,
    package=__name__,
    summaries=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="seqtrain")
@click.option("--debug", is_flag=True, help="Show the Python traceback of an error.")
@click.pass_context
def group(context: click.Context, debug: bool) -> None:
    """Train, evaluate and ship small text classifiers on an ordinary CPU.

    \b
    seqtrain check data configs/reviews.yaml    labels, duplicates, leaks, lengths, time and memory
    seqtrain fit configs/reviews.yaml           train; writes runs/reviews/
    seqtrain fit configs/reviews.yaml --resume  go on where it was interrupted
    seqtrain eval                               metrics of the newest run on its test split
    seqtrain check model                        proof that padding, batches and engines do not matter
    seqtrain export onnx model.onnx             the model as one file, for any machine
    echo "a beautifully acted film" | seqtrain predict
    """


def main() -> NoReturn:
    """Runs the command line and exits with the code that `docs/cli.md` lists."""
    signal.signal(signal.SIGTERM, _terminate)
    # NumPy's own threads have nothing to do here, and take time to start.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    _occupy_standard_streams()
    sys.exit(_run(sys.argv[1:]))


def _occupy_standard_streams() -> None:
    """Where one is closed (`>&-`), no file opened later may get its number: what libraries print would end in it."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)


def _run(arguments: list[str]) -> int:
    debug = "--debug" in arguments
    try:
        # Taken out here so that it may stand before the command or after it.
        _call([argument for argument in arguments if argument != "--debug"])
        if sys.stdout is not None:
            sys.stdout.flush()
        return 0
    except click.exceptions.Exit as done:  # of --help and --version
        return done.exit_code
    except KeyboardInterrupt:
        return _fail("interrupted", INTERRUPTED, debug)
    except Terminated:
        return _fail("terminated", TERMINATED, debug)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except SeqtrainError as error:
        return _fail(f"error: {error}", error.exit_code, debug)
    except BrokenPipeError:
        # The reader of our output went away: that is its right. Python must not try to flush at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        return _unexpected(error, debug)


def _call(arguments: list[str]) -> None:
    """Runs a command. Not by `group.main`, which ends the process with code 1 when the reader of stdout goes away."""
    with group.make_context("seqtrain", arguments) as context:
        group.invoke(context)


def _unexpected(error: Exception, debug: bool) -> int:
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:  # of a file, a RunError tells it
        return _fail("error: standard output: the disk is full", RunError.exit_code, debug)
    hint = "" if debug else "\n  This is a bug in seqtrain; --debug shows where."
    return _fail(f"error: {type(error).__name__}: {error}{hint}", BUG, debug)


def _fail(message: str, code: int, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    click.echo(printable(message), err=True)
    return code


def _terminate(number: int, frame: FrameType | None) -> Any:
    raise Terminated
