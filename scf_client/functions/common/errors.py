"""What can end a run without a result. `message` is for the client: what, which, and what would be right."""

# How Python, libvips, glib, ffmpeg and x264 say that the address space is full; a thread needs some of it for its stack.
FULL = (
    "out of memory",
    "insufficient memory",
    "cannot allocate memory",
    "malloc of size",
    "std::bad_alloc",
    "resource temporarily unavailable",
    "can't start new thread",
)


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
    """The input needs more memory than a function has; where no single field is at fault, a MemoryError says so (common/server.py)."""

    code = "out_of_memory"


def is_about_memory(said: str) -> bool:
    """Whether a library's error, or an encoder's log, says that there was too little memory."""
    return any(words in said.lower() for words in FULL)
