"""The tables of docs/figures.md: each benchmark has a section between two markers."""

from pathlib import Path

FIGURES = Path(__file__).parent.parent.parent / "docs" / "figures.md"


def put(name: str, text: str) -> None:
    """Put `text` in the place of the section called `name`, or at the end."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    section = f"{begin}\n{text}\n{end}"
    known = FIGURES.read_text(encoding="utf-8")
    before, found, rest = known.partition(begin)
    after = rest.partition(end)[2] if found else "\n"
    before = before if found else f"{before.rstrip()}\n\n"
    FIGURES.write_text(before + section + after, encoding="utf-8")
