"""Everything that can be done, in one table.

Bindings, the command palette, the toolbar, the menu behind the prefix key and the help
screen are made from it. Each action is a method `action_<name>` of the screen that the
group belongs to, or of the App.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from textual.binding import Binding

PREFIX = "ctrl+right_square_bracket"
PREFIX_SHOWN = "Ctrl+]"


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do.

    `keys` are Textual's names, separated by commas; `shown` is how people read them;
    `tool` is the word in the toolbar, empty for none; `footer` shows it in the footer.
    """

    name: str
    keys: str
    shown: str
    label: str
    help: str
    tool: str = ""
    footer: bool = False
    priority: bool = False


ANYWHERE = (
    Action(
        "help", "f1", "F1", "Help", "What there is and which key does it.", "", True
    ),
    Action(
        "command_palette",
        "ctrl+p",
        "Ctrl+P",
        "Commands",
        "Find any command by its name.",
        footer=True,
    ),
    Action(
        "quit",
        "ctrl+q",
        "Ctrl+Q",
        "Quit",
        "Leave. Every session ends, and nobody can reach this machine.",
        footer=True,
    ),
)
"""Actions of the App."""

SHARING = (
    Action(
        "stop_control",
        "f11",
        "F11",
        "Stop control",
        "Take mouse and keyboard back at once, from anywhere.",
        priority=True,
    ),
    Action(
        "end_sharing",
        "f12",
        "F12",
        "End session",
        "End the session: they see nothing from this moment on.",
        priority=True,
    ),
    Action(
        "give_control",
        "f9",
        "F9",
        "Give control",
        "Let them use mouse and keyboard (after the six digits).",
        priority=True,
    ),
    Action(
        "choose_shared",
        "f7",
        "F7",
        "What they see",
        "Share everything, one monitor or single windows.",
        priority=True,
    ),
    Action(
        "show_sharing",
        "f8",
        "F8",
        "Show the session",
        "Who sees this screen, since when, and what they may do.",
        priority=True,
    ),
)
"""Actions of the App while somebody sees this screen."""

HOME = (
    Action(
        "copy_id",
        "f2",
        "F2",
        "Copy ID",
        "Copy your ID, to send it by mail or chat.",
        footer=True,
    ),
    Action(
        "connect",
        "f5",
        "F5",
        "Connect",
        "Call the ID in the field; Enter in the field does the same.",
        footer=True,
    ),
)

SESSION = (
    Action("session_help", "h", "h", "Help", "All keys of the session.", "Help"),
    Action(
        "zoom",
        "z",
        "z",
        "Zoom in steps",
        "Nearer to where you typed or pointed, to 1:1, then all again.",
        "Zoom",
    ),
    Action("zoom_in", "plus,equals_sign", "+", "Zoom in", "One step larger."),
    Action("zoom_out", "minus", "-", "Zoom out", "One step smaller."),
    Action("pan('left')", "left", "←", "Left", "Move the part that is shown."),
    Action("pan('right')", "right", "→", "Right", "Move the part that is shown."),
    Action("pan('up')", "up", "↑", "Up", "Move the part that is shown."),
    Action("pan('down')", "down", "↓", "Down", "Move the part that is shown."),
    Action(
        "follow",
        "o",
        "o",
        "Follow on/off",
        "A zoomed picture goes with typing and the pointer.",
    ),
    Action(
        "ask_control",
        "c",
        "c",
        "Ask for control",
        "Mouse and keyboard; it needs your digits, and then a yes.",
        "Ask control",
    ),
    Action(
        "view_only",
        "v",
        "v",
        "View only on/off",
        "Send nothing, even if control is granted.",
        "View only",
    ),
    Action(
        "special_keys",
        "k",
        "k",
        "Special keys",
        "Keys that your terminal or desktop takes for itself.",
        "Keys",
    ),
    Action(
        "send_text",
        "t",
        "t",
        "Type a text there",
        "Write or paste a text; it is typed on their side.",
        "Text",
    ),
    Action(
        "send_file",
        "f",
        "f",
        "Send a file",
        "Choose a file of this machine; the customer is asked.",
        "File",
    ),
    Action(
        "get_file",
        "g",
        "g",
        "Get a file",
        "Name a file of their machine; the customer is asked.",
    ),
    Action("stop_files", "s", "s", "Stop files", "Stop every file that is on its way."),
    Action("path", "p", "p", "Path", "Which way it runs, how fast, and why.", "Path"),
    Action("toolbar", "b", "b", "Toolbar on/off", "Fold the toolbar away, or out."),
    Action(
        "command_palette", "colon", ":", "Commands", "Find any command by its name."
    ),
    Action("end_session", "e", "e", "End", "End the session.", "End"),
    Action(
        "literal",
        f"right_square_bracket,{PREFIX}",
        "]",
        f"{PREFIX_SHOWN} itself",
        "Send the prefix key to the other side.",
    ),
)
"""Behind the prefix key; everything else that is typed goes to the other side."""


def bindings(actions: Iterable[Action]) -> list[Binding]:
    """Textual bindings of these actions."""
    return [
        Binding(
            action.keys,
            action.name,
            action.label,
            show=action.footer,
            key_display=action.shown,
            priority=action.priority,
            tooltip=action.help,
        )
        for action in actions
    ]


def by_key(actions: Iterable[Action]) -> dict[str, Action]:
    """Actions by each of their keys."""
    return {key: action for action in actions for key in action.keys.split(",")}
