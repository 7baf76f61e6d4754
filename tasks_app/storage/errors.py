"""What can go wrong in a store; a key that is not there is a FileNotFoundError.

StorageError
├── TooLarge        more bytes came than the caller allowed; nothing was kept
└── StorageAway     not now; later may do
    ├── Unwritable  full, broken, or it refuses us; nothing was kept
    ├── Unreadable  what it holds is still there
    └── NoLink      it signs none; all else is well, and clients may come to us instead
"""


class StorageError(Exception):
    """The message may be shown to a client: it names no place, no bucket and no secret."""


class TooLarge(StorageError):
    """More bytes came than the caller allowed; nothing was kept."""


class StorageAway(StorageError):
    """The store does not do its work now; later it may."""


class Unwritable(StorageAway):
    """The store cannot write now: disk full, read-only, out of reach. Nothing was kept; later may do."""


class Unreadable(StorageAway):
    """The store cannot be read now; what it holds is still there."""


class NoLink(StorageAway):
    """The store has no link to give out now; what would be put by it may come through us."""
