"""Why something that was asked for is not allowed, as the customer's side tells it."""

BY_PERSON = "no"
UNANSWERED = "unanswered"
TOO_SOON = "too_soon"  # the person has just said no and is not asked again yet
NOT_VERIFIED = "not_verified"
NO_HOTKEY = "no_hotkey"  # F11 is not heard any more
