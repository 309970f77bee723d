"""Asking a terminal, over a real pseudo-terminal."""

import os
import select
import termios
import threading
import time
from contextlib import contextmanager

import pytest

from p2p_remote.terminal import probe
from p2p_remote.terminal.capabilities import QUESTIONS, parse_answers
from tests.terminal.test_capabilities import KITTY


@contextmanager
def pseudo_terminal(answer):
    """A terminal that answers with the given byte strings, one after the other."""
    master, slave = os.openpty()
    asked = bytearray()
    stop = threading.Event()

    def play():
        while not stop.is_set() and len(asked) < len(QUESTIONS):
            if select.select([master], [], [], 0.05)[0]:
                asked.extend(os.read(master, 4096))
        for part in answer:
            os.write(master, part)

    thread = threading.Thread(target=play)
    thread.start()
    try:
        yield master, slave, asked
    finally:
        stop.set()
        thread.join()
        os.close(master)
        os.close(slave)


@pytest.fixture
def foreground(monkeypatch):
    """A pseudo-terminal of a test has no process group in front."""
    monkeypatch.setattr(probe, "_in_foreground", lambda _descriptor: True)


def test_answers_are_collected_and_the_terminal_is_put_back(foreground):
    """All parts arrive, also what follows DA1, and the old mode is back."""
    parts = [KITTY[:30], KITTY[30:]]
    with pseudo_terminal(parts) as (_master, slave, asked):
        before = termios.tcgetattr(slave)
        started = time.monotonic()
        received = probe.ask_terminal(slave, QUESTIONS, 5.0)
        took = time.monotonic() - started
        assert termios.tcgetattr(slave) == before
        assert bytes(asked) == QUESTIONS
        assert received == KITTY
        assert took < 2.0  # the sentinel ends the wait


def test_a_silent_terminal_costs_the_time_limit(foreground):
    """No answer: back after the limit, terminal as before."""
    with pseudo_terminal([]) as (_master, slave, _asked):
        before = termios.tcgetattr(slave)
        assert probe.ask_terminal(slave, QUESTIONS, 0.1) == b""
        assert termios.tcgetattr(slave) == before


def test_a_flood_is_cut_off(foreground):
    """Endless output that is no answer ends the reading."""
    with pseudo_terminal([b"x" * 4000] * 5) as (_master, slave, _asked):
        received = probe.ask_terminal(slave, QUESTIONS, 3.0)
        assert probe.MAX_ANSWER <= len(received) <= probe.MAX_ANSWER + 4096


def test_in_the_background_nothing_is_asked():
    """A process that is not in front would be stopped by setting up the terminal."""
    with pseudo_terminal([KITTY]) as (_master, slave, asked):
        assert probe.ask_terminal(slave, QUESTIONS, 1.0) == b""
        assert not asked


def test_a_closed_terminal_is_no_error(foreground):
    """A descriptor that is no terminal gives no answers."""
    read, write = os.pipe()
    assert probe.ask_terminal(read, QUESTIONS, 0.1) == b""
    assert probe.window_size(read) == (80, 24, None)
    os.close(read)
    os.close(write)


def test_without_a_terminal_the_environment_is_judged(monkeypatch):
    """Pipes and tests: nothing is asked, nothing is waited for."""
    monkeypatch.setattr(probe, "_terminal_descriptor", lambda: None)
    found = probe.probe_terminal(environment={"TERM": "foot"})
    assert found.name == "foot"
    assert found.sextants


def test_a_dumb_terminal_is_not_asked(monkeypatch, foreground):
    """TERM=dumb means that escape codes would be shown as text."""
    with pseudo_terminal([KITTY]) as (_master, slave, asked):
        monkeypatch.setattr(probe, "_terminal_descriptor", lambda: slave)
        assert probe.probe_terminal(environment={"TERM": "dumb"}).name == "dumb"
        assert not asked


def test_probe_joins_answers_and_window_size(monkeypatch, foreground):
    """The whole way: ask, parse, judge."""
    with pseudo_terminal([KITTY]) as (master, slave, _asked):
        monkeypatch.setattr(probe, "_terminal_descriptor", lambda: slave)
        termios.tcsetwinsize(master, (40, 100))
        found = probe.probe_terminal(environment={"TERM": "xterm-kitty"})
        assert found.name == parse_answers(KITTY).version
        assert found.cell_pixels == (8, 16)
