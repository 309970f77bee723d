"""What every test of the application can count on."""

from collections.abc import Mapping
from typing import Any

import pytest
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet

from tests.support.simulated_loop import SimulatedLoop, use_time_of_the_loop

_parse_rules = Stylesheet._parse_rules
_PARSED: dict[tuple[object, ...], list[RuleSet]] = {}


def pytest_asyncio_loop_factories() -> Mapping[str, type[SimulatedLoop]]:
    """Every App runs in simulated time."""
    return {"simulated": SimulatedLoop}


@pytest.fixture(autouse=True)
def simulated_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Textual looks at the clock of the loop."""
    use_time_of_the_loop(monkeypatch)


@pytest.fixture(autouse=True)
def styles_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next App of the same colours takes the rules that one before has parsed.

    A style sheet keeps what it has parsed, but every App begins with one of its own,
    and parsing is a third of what it costs to start.
    """

    def parse_rules(sheet: Stylesheet, *source: Any, **more: Any) -> list[RuleSet]:
        key = (source, *more.items(), frozenset(sheet._variables.items()))
        if key not in _PARSED:
            _PARSED[key] = _parse_rules(sheet, *source, **more)
        return _PARSED[key]

    monkeypatch.setattr(Stylesheet, "_parse_rules", parse_rules)
