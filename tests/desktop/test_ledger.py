"""The ledger of injected keys: one entry excuses one press, for a short time."""

from p2p_remote.desktop.ledger import MAX_AGE, InjectionLedger

F11_CODE = 95
OTHER_CODE = 38


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def watching():
    clock = Clock()
    ledger = InjectionLedger(clock)
    ledger.watch([F11_CODE])
    return ledger, clock


def test_an_injected_press_excuses_exactly_one_press():
    ledger, _ = watching()
    ledger.sending(F11_CODE)

    assert ledger.claim(F11_CODE)
    assert not ledger.claim(F11_CODE)


def test_a_press_that_nobody_injected_is_not_excused():
    ledger, _ = watching()

    assert not ledger.claim(F11_CODE)


def test_an_old_entry_excuses_nothing():
    """A press that the server swallowed must not silence a later one."""
    ledger, clock = watching()
    ledger.sending(F11_CODE)
    clock.now += MAX_AGE + 0.01

    assert not ledger.claim(F11_CODE)


def test_only_watched_keys_are_kept():
    ledger, _ = watching()
    ledger.sending(OTHER_CODE)

    assert not ledger.claim(OTHER_CODE)


def test_entries_survive_a_new_keyboard_map():
    ledger, _ = watching()
    ledger.sending(F11_CODE)
    ledger.watch([F11_CODE, 96])

    assert ledger.claim(F11_CODE)
