"""A function as a container image: what goes into it, its Dockerfile, its name, and the commands that build and push it.

An image holds one function, the common library, and the packages that functions import; nothing else of ours. Its tag is the hash of
all that, so the same source is the same image, and a deploy can tell whether anything changed.
"""

import hashlib
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
FUNCTIONS, REQUIREMENTS = HERE / "functions", HERE.parent / "requirements.txt"
PACKAGE = "scf_client.functions"
PORT = 9000  # where SCF expects a container that is a web server
TAG_LENGTH = 12
# The same for every function, so that their images share the layer that holds them. The versions are those of requirements.txt.
PACKAGES = (
    "ahocorasick_rs",
    "cos-python-sdk-v5",
    "imageio-ffmpeg",
    "jsonschema_rs",
    "pylopdf-fonts-zh-cn",
    "pysubs2",
    "pyvips",
    "pyvips-binary",
)

# Compiled when it is built: the file system of a function cannot be written to, but for /tmp, and a cold start would compile it all anew.
DOCKERFILE = """\
FROM python:3.11-slim
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY scf_client scf_client
RUN python -m compileall -q scf_client
ENV PYTHONUNBUFFERED=1 HOME=/tmp XDG_CACHE_HOME=/tmp
EXPOSE {port}
CMD {command}
"""


def names() -> list[str]:
    """The functions there are."""
    return sorted(path.parent.name for path in FUNCTIONS.glob("*/__main__.py"))


def command(function: str) -> list[str]:
    """How a function is started, wherever it then listens."""
    return ["python", "-m", f"{PACKAGE}.{function}", "--log-format", "json"]


def image(function: str, registry: str) -> str:
    """The whole name of a function's image, as in registry/space/image_stitch:0123456789ab."""
    digest = hashlib.sha256()
    for path, content in _context(function):
        digest.update(f"{path}\0{len(content)}\0".encode() + content)
    return f"{registry}/{function}:{digest.hexdigest()[:TAG_LENGTH]}"


def stage(function: str, folder: Path) -> None:
    """Write the build context of a function's image into `folder`, which is emptied first."""
    shutil.rmtree(folder, ignore_errors=True)
    for path, content in _context(function):
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)


def build_commands(function: str, registry: str, folder: Path) -> list[list[str]]:
    """What builds the image from its staged context, and pushes it."""
    name = image(function, registry)
    return [["docker", "build", "--platform", "linux/amd64", "--tag", name, str(folder)], ["docker", "push", name]]


def _context(function: str) -> Iterator[tuple[str, bytes]]:
    """Each file of the image's build context, in a fixed order."""
    words = [*command(function), "--host", "0.0.0.0", "--port", str(PORT)]
    yield "Dockerfile", DOCKERFILE.format(port=PORT, command=str(words).replace("'", '"')).encode()
    yield "requirements.txt", _requirements().encode()
    for path in sorted([HERE / "__init__.py", FUNCTIONS / "__init__.py", *_sources("common"), *_sources(function)]):
        yield str(path.relative_to(HERE.parent)), path.read_bytes()


def _requirements() -> str:
    pins = dict(re.findall(r"(?m)^([\w-]+)(==\S+)$", REQUIREMENTS.read_text(encoding="utf-8")))
    return "".join(f"{package}{pins[package]}\n" for package in PACKAGES)


def _sources(folder: str) -> list[Path]:
    return [path for path in (FUNCTIONS / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
