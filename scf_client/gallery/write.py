"""Writes docs/functions.md and its pictures."""

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from . import file, of, page, show
from .stage import Stage, stage


def write(functions: Sequence[str], docs: Path, *, tell: Callable[[str], object]) -> None:
    """Run the examples of these functions, and write their sections and pictures; raises stage.Refused."""
    with TemporaryDirectory(prefix="darkroom-") as folder, stage(Path(folder)) as ground:
        sections = {function: _section(function, docs, ground, tell) for function in functions}
    place = docs / "functions.md"
    place.write_text(page.merged(place.read_text(encoding="utf-8") if place.exists() else "", sections), encoding="utf-8")


def _section(function: str, docs: Path, ground: Stage, tell: Callable[[str], object]) -> str:
    """The section of a function, its pictures written and those that no example has any more removed."""
    snippets, pictures = {}, set()
    for example in of(function).examples:
        outputs = ground.run(function, of(function).kind, example.input)
        if show.is_text(outputs[0]):
            snippets[example.name] = [show.snippet(output) for output in outputs]
            continue
        place = docs / file(function, example)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(show.webp(show.picture(outputs[0])))
        pictures.add(place)
        tell(f"{place.relative_to(docs)}: {place.stat().st_size:,} bytes")
    for old in set((docs / "pictures" / function).glob("*.webp")) - pictures:
        old.unlink()
    return page.section(function, snippets)
