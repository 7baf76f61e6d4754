"""Simulated SCF and COS with our functions deployed there by our own deploy, for tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from scf_client import deploy
from scf_client.account import Account
from scf_client.control import Control
from tests.upstreams import Cos, Scf

PLACE = deploy.Place("registry.example/darkroom", "darkroom-function", instances=2)


@dataclass
class Sky:
    """Both simulators, and the account that uses them."""

    scf: Scf
    cos: Cos

    @property
    def credentials(self) -> dict[str, str]:
        """What the adapter is given."""
        own = {**self.scf.variables, "SCF_NAMESPACE": "default", **self.cos.variables}
        return {name.lower(): value for name, value in own.items()} | {"where": "cloud"}

    @property
    def account(self) -> Account:
        return Account.read(self.credentials)

    @property
    def control(self) -> Control:
        return Control(self.account)

    def deploy(self, *functions: str, place: deploy.Place = PLACE) -> list[str]:
        """Deploy these; returns the steps that were taken."""
        taken = []
        for function in functions:
            goal = deploy.wanted(function, self.account, place)
            steps = deploy.plan(deploy.look(self.control, goal.name), goal)
            taken += [step.action for step in deploy.apply(self.control, goal, steps, pause=lambda: None)]
        return taken


@contextmanager
def sky(*, host: str = "127.0.0.1") -> Iterator[Sky]:
    """Both listen at `host`."""
    cos, scf = Cos(), Scf()
    cos.host = scf.host = host
    with cos, scf:
        cos.trust(scf.role)
        yield Sky(scf, cos)
