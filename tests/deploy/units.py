"""The systemd units as they are shipped, read as systemd reads them."""

from pathlib import Path

from tests.deploy.web import ROOT

FOLDER = ROOT / "deploy/systemd"
QUEUES = ("submit", "poll", "store", "notify", "upkeep")
SERVING = ("darkroom-web", "darkroom-stream", *(f"darkroom-worker@{queue}" for queue in QUEUES), "darkroom-functions", "darkroom-beat")
SERVICES = (*SERVING, "darkroom-restart", "darkroom-backup")
MIB = {"M": 1, "G": 1024}


def values(unit: str, key: str) -> list[str]:
    """Every value that a unit gives a key, its drop-ins last: values("darkroom-worker@store.service", "MemoryMax")."""
    lines = [line for path in files(unit) for line in path.read_text(encoding="utf-8").splitlines()]
    return [line.partition("=")[2] for line in lines if line.startswith(f"{key}=")]


def value(unit: str, key: str) -> str:
    """The last one, which counts; "" where there is none."""
    return values(unit, key)[-1] if values(unit, key) else ""


def memory_mib(unit: str) -> int:
    """Its MemoryMax."""
    text = value(unit, "MemoryMax")
    return int(text[:-1]) * MIB[text[-1]]


def command(service: str) -> str:
    """Its ExecStart, instance filled in, without the folder that its program lies in."""
    instance = service.removesuffix(".service").partition("@")[2]
    return value(service, "ExecStart").replace("%i", instance).removeprefix("/opt/darkroom/current/.venv/bin/")


def files(unit: str) -> list[Path]:
    """The unit's file and its drop-ins, in the order in which they count."""
    name, _, kind = unit.rpartition(".")
    template = f"{name.partition('@')[0]}@.{kind}" if "@" in name else unit
    folders = [FOLDER / f"{unit}.d", FOLDER / f"{template}.d", FOLDER / f"darkroom-.{kind}.d"]
    drop_ins = [path for folder in folders if folder.is_dir() for path in folder.glob("*.conf")]
    return [FOLDER / template, *sorted(drop_ins, key=lambda path: path.name)]
