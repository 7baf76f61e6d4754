"""What a simulated SCF account holds: functions with their versions and aliases. Deploying takes time there, so each change is done
only after it has been asked about.
"""

from dataclasses import dataclass, field, replace
from typing import Any

LATEST, DEFAULT = "$LATEST", "$DEFAULT"
ENDED = {"Creating": "CreateFailed", "Updating": "UpdateFailed", "Publishing": "PublishFailed"}


@dataclass(frozen=True)
class Config:
    """What a version runs by. The defaults are the cloud's, and they bite."""

    image: dict[str, Any]
    memory: int = 128
    timeout: int = 3
    init_timeout: int = 90
    role: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    description: str = field(default="", compare=False)

    def changed(self, given: dict[str, Any]) -> "Config":
        """With what a call gives in place of what was."""
        names = {"memory": "MemorySize", "timeout": "Timeout", "init_timeout": "InitTimeout", "role": "Role", "description": "Description"}
        new: dict[str, Any] = {own: given[name] for own, name in names.items() if given.get(name) is not None}
        if given.get("Environment") is not None:
            new["environment"] = {one["Key"]: one["Value"] for one in given["Environment"].get("Variables") or ()}
        if given.get("Code") is not None:
            new["image"] = given["Code"]["ImageConfig"]
        return replace(self, **new)

    def shown(self) -> dict[str, Any]:
        variables = [{"Key": key, "Value": value} for key, value in self.environment.items()]
        return {
            "MemorySize": self.memory,
            "Timeout": self.timeout,
            "InitTimeout": self.init_timeout,
            "Role": self.role,
            "Description": self.description,
            "Environment": {"Variables": variables},
            "ImageConfig": self.image,
        }


@dataclass
class Function:
    """A function; `busy` is how many times it still answers that its last change is not done."""

    name: str
    namespace: str
    config: Config
    asynchronous: bool
    traced: bool
    status: str = "Creating"
    busy: int = 1
    fails: bool = False
    versions: dict[str, Config] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    reserved: int | None = None
    retries: int = 2
    retention_s: int = 21600

    @property
    def is_ready(self) -> bool:
        return self.status in ("Active", "UpdateFailed", "PublishFailed")

    def begin(self, status: str, *, fails: bool) -> None:
        self.status, self.busy, self.fails = status, 1, fails

    def looked_at(self) -> None:
        """Somebody asks; a change is done the second time."""
        if self.busy:
            self.busy -= 1
        elif self.status in ENDED:
            self.status = ENDED[self.status] if self.fails else "Active"

    def publish(self, description: str) -> str:
        number = str(len(self.versions) + 1)
        self.versions[number] = replace(self.config, description=description or self.config.description)
        return number

    def version(self, qualifier: str) -> tuple[str, Config] | None:
        """The version that a qualifier stands for."""
        number = self.aliases.get(qualifier, qualifier)
        if number in (LATEST, DEFAULT):
            return LATEST, self.config
        return (number, self.versions[number]) if number in self.versions else None
