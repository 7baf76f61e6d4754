"""What can end a run without a result. `message` is for the client: what, which, and what would be right."""


class FunctionError(Exception):
    """The run failed; `field` is the JSON path of the input at fault, where one is."""

    code = "generation_failed"

    def __init__(self, message: str, *, field: str | None = None):
        super().__init__(message)
        self.message = message
        self.field = field


class Invalid(FunctionError):
    """An input that this function cannot take."""

    code = "invalid_input"


class OutOfMemory(FunctionError):
    """The input needs more memory than a function has."""

    code = "out_of_memory"
