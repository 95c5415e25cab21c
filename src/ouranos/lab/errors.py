"""What is a person told when a lab cannot be?"""

from ouranos.kit import errors


class LabError(errors.OuranosError):
    """Something that a person has to know; `hint` says what they could do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
