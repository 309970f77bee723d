"""Held keys: every key that goes down comes up again."""

from hypothesis import given, settings
from hypothesis import strategies as st

from p2p_remote.input.held_keys import MAX_HELD, HeldKeys
from p2p_remote.input.keysyms import (
    ALT_L,
    CONTROL_L,
    DELETE,
    RETURN,
    SHIFT_L,
    SHIFT_R,
)
from p2p_remote.wire.input import (
    ACTION_PRESS,
    ACTION_RELEASE,
    ACTION_TAP,
    MODIFIER_ALT,
    MODIFIER_CONTROL,
    MODIFIER_SHIFT,
)


def moves(steps):
    return [(step.keysym, "down" if step.down else "up") for step in steps]


def test_a_tap_wraps_its_modifiers_around_the_key():
    """Modifiers go down first and come up last."""
    steps = HeldKeys().apply(DELETE, MODIFIER_CONTROL | MODIFIER_ALT, ACTION_TAP)

    assert moves(steps) == [
        (CONTROL_L, "down"),
        (ALT_L, "down"),
        (DELETE, "down"),
        (DELETE, "up"),
        (ALT_L, "up"),
        (CONTROL_L, "up"),
    ]


def test_a_modifier_stays_down_while_another_held_key_needs_it():
    held = HeldKeys()
    held.apply(ord("a"), MODIFIER_CONTROL, ACTION_PRESS)
    held.apply(ord("b"), MODIFIER_CONTROL, ACTION_PRESS)

    assert moves(held.apply(ord("a"), MODIFIER_CONTROL, ACTION_RELEASE)) == [
        (ord("a"), "up")
    ]
    assert moves(held.apply(ord("b"), 0, ACTION_RELEASE)) == [
        (ord("b"), "up"),
        (CONTROL_L, "up"),
    ]


def test_a_modifier_that_was_pressed_as_a_key_serves_and_stays():
    held = HeldKeys()
    held.apply(SHIFT_R, 0, ACTION_PRESS)

    assert moves(held.apply(ord("A"), MODIFIER_SHIFT, ACTION_TAP)) == [
        (ord("A"), "down"),
        (ord("A"), "up"),
    ]
    assert held.held == (SHIFT_R,)


def test_a_second_press_of_a_held_key_does_nothing():
    """The desktop repeats a held key by itself."""
    held = HeldKeys()
    held.apply(RETURN, 0, ACTION_PRESS)

    assert held.apply(RETURN, 0, ACTION_PRESS) == []


def test_a_tap_of_a_held_key_lets_it_go():
    held = HeldKeys()
    held.apply(RETURN, 0, ACTION_PRESS)

    assert moves(held.apply(RETURN, 0, ACTION_TAP)) == [
        (RETURN, "up"),
        (RETURN, "down"),
        (RETURN, "up"),
    ]
    assert held.held == ()


def test_a_release_of_a_key_that_is_not_held_does_nothing():
    assert HeldKeys().apply(RETURN, MODIFIER_SHIFT, ACTION_RELEASE) == []


def test_what_a_peer_can_hold_is_bounded():
    held = HeldKeys()
    for keysym in range(0x100, 0x100 + 2 * MAX_HELD):
        held.apply(keysym, 0, ACTION_PRESS)

    assert len(held.held) == MAX_HELD


@settings(max_examples=60, derandomize=True)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([ord("a"), ord("b"), SHIFT_L, CONTROL_L, RETURN]),
            st.integers(0, 15),
            st.sampled_from([ACTION_TAP, ACTION_PRESS, ACTION_RELEASE]),
        ),
        max_size=12,
    )
)
def test_nothing_is_down_after_release_all(messages):
    """Steps alternate for each key, agree with `held`, and end with all keys up."""
    held = HeldKeys()
    down = set()

    def follow(steps):
        for step in steps:
            assert step.down != (step.keysym in down)
            (down.add if step.down else down.discard)(step.keysym)

    for message in messages:
        follow(held.apply(*message))
        assert set(held.held) == down
    follow(held.release_all())

    assert not down
    assert held.release_all() == []
