from __future__ import annotations

from pathlib import Path

import click
import pytest
from pydantic import Field

from seqtrain.config.schema import Block
from tools import reference_docs
from tools.reference_docs import cli_page, configuration_page


class Inner(Block):
    """Settings of the oven."""

    heat: float = Field(default=0.5, ge=0, lt=1, description="Share of full power.")


class Outer(Block):
    """All there is."""

    oven: Inner = Inner()


class Empty(Block):
    outer: Outer = Outer()


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def bake() -> None:
    """Bake things."""


@bake.group()
def check() -> None:
    """Look at things."""


@check.command()
@click.argument("file")
@click.option("--kind", type=click.Choice(["rye", "oat"]), help="Kind of <flour>; see `a|b`.")
def bread(file: str, kind: str) -> None:
    """Look at bread.

    \b
    Examples:
      bake check bread loaf.txt
    """


def test_configuration_page_has_a_table_for_each_section() -> None:
    page = configuration_page(Empty)
    assert page.split("## outer\n", 1)[1] == (
        "\n"
        "All there is.\n"
        "\n"
        "| key | type | default | meaning |\n"
        "| --- | --- | --- | --- |\n"
        "| `oven` | section [outer.oven](#outeroven) |  |  |\n"
        "\n"
        "## outer.oven\n"
        "\n"
        "Settings of the oven.\n"
        "\n"
        "| key | type | default | meaning |\n"
        "| --- | --- | --- | --- |\n"
        "| `heat` | number ≥ 0, below 1 | `0.5` | Share of full power. |\n"
    )


def test_every_key_of_the_config_has_a_meaning() -> None:
    page = configuration_page(reference_docs.Config)
    rows = [line.split(" | ") for line in page.split("\n") if line.startswith("| `")]
    assert len(rows) > 30
    without = [row[0] for row in rows if not row[1] or (row[3] == " |" and "section" not in row[1])]
    assert without == []


def test_cli_page_walks_groups_within_groups() -> None:
    page = cli_page(bake, "bake")
    headings = [line for line in page.split("\n") if line.startswith("## ")]
    assert headings == ["## bake", "## bake check", "## bake check bread", "## Exit codes"]
    section = page.split("## bake check bread\n", 1)[1].split("## Exit codes", 1)[0]
    assert section == (
        "\n"
        "```\n"
        "bake check bread [OPTIONS] FILE\n"
        "```\n"
        "\n"
        "Look at bread.\n"
        "\n"
        "```\n"
        "Examples:\n"
        "  bake check bread loaf.txt\n"
        "```\n"
        "\n"
        "| option | meaning |\n"
        "| --- | --- |\n"
        "| `--kind [rye\\|oat]` | Kind of \\<flour>; see `a\\|b`. |\n"
        "| `-h, --help` | Show this message and exit. |\n"
        "\n"
    )


def test_cli_page_lists_every_exit_code() -> None:
    rows = cli_page(bake, "bake").split("## Exit codes", 1)[1]
    codes = [line.split(" | ")[0] for line in rows.split("\n") if line.startswith("| ")]
    assert codes == ["| code", "| ---", *(f"| {code}" for code in (0, 1, 2, 3, 4, 5, 6, 130, 143))]


def test_check_says_which_files_are_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    monkeypatch.setattr(reference_docs, "DOCS", docs)
    assert reference_docs.main([]) == 0
    assert reference_docs.main(["--check"]) == 0
    (docs / "configuration.md").write_text("edited by hand")
    (docs / "cli.md").unlink()
    assert reference_docs.main(["--check"]) == 1
    assert capsys.readouterr().err == (
        "docs/configuration.md: is not what the code says. Run `make docs`.\n"
        "docs/cli.md: is not what the code says. Run `make docs`.\n"
    )
    assert (docs / "configuration.md").read_text() == "edited by hand"


def test_the_pages_in_docs_are_what_the_code_says() -> None:
    assert reference_docs.main(["--check"]) == 0, "run `make docs`"
