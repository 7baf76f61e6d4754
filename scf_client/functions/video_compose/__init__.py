"""Pictures and videos, one after another, to one video."""
