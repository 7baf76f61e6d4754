"""`manage.py functions …`: for the operator whose functions run on Tencent SCF. Build, deploy, look, go back, remove; and `docs`,
for who changes them: the page of their options.

It changes the functions alone. That tasks go there is said by FUNCTIONS=scf, and by install_models after it.
"""

import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.core.management import BaseCommand, CommandError

from providers import built_in
from scf_client import deploy, gallery, pack
from scf_client.account import Account, deployed_name
from scf_client.client import CloudError, Unreadable
from scf_client.control import Control, Cut, Unreachable
from scf_client.gallery import stage as gallery_stage
from scf_client.gallery import write as gallery_writer

FAULTS = (CloudError, Cut, Unreachable, Unreadable, deploy.CannotDeploy, gallery_stage.Refused)
NEEDED = ("SCF_REGION", "SCF_SECRET_ID", "SCF_SECRET_KEY", "COS_BUCKET", "COS_REGION")


class Command(BaseCommand):
    help = "Builds our functions as images, and deploys them on Tencent SCF."
    requires_system_checks = ()

    def add_arguments(self, parser):
        commands = parser.add_subparsers(dest="command", required=True)
        for name, about, on_all in (
            ("build", "build an image of each function and push it; needs docker", True),
            ("deploy", "create or update, publish a version, and let tasks go by it", True),
            ("list", "what is deployed, and whether it is what this source says", True),
            ("logs", "what the last runs said", False),
            ("rollback", "let tasks go by the version before", False),
            ("remove", "delete functions with all their versions", True),
            ("docs", "write docs/functions.md and its pictures, by the functions themselves", True),
        ):
            command = commands.add_parser(name, help=about)
            command.add_argument("functions", nargs="*" if on_all else 1, metavar="FUNCTION", help=", ".join(pack.names()))
            if name in ("build", "deploy", "remove"):
                command.add_argument("--dry-run", action="store_true", help="print the plan and change nothing")
        commands.choices["build"].add_argument("--into", type=Path, default=Path("var/images"), help="where to write what docker reads")
        every = "seconds between two looks at a function that is being changed"
        commands.choices["deploy"].add_argument("--every", type=float, default=2.0, metavar="SECONDS", help=every)
        commands.choices["logs"].add_argument("--run", help="the id of one run")
        commands.choices["rollback"].add_argument("--to", type=int, help="a version, instead of the one before")
        commands.choices["remove"].add_argument("--yes", action="store_true", help="do not only ask")

    def handle(self, *args, command, functions, **options):
        if unknown := sorted(set(functions) - set(pack.names())):
            raise CommandError(f"There is no function {unknown[0]}; there are {', '.join(pack.names())}.")
        chosen = functions or pack.names()
        with _told():
            COMMANDS[command](self.stdout.write, chosen, options)


def build(write, functions, options) -> None:
    registry = _needed("SCF_REGISTRY")
    if not options["dry_run"] and shutil.which("docker") is None:
        raise CommandError("docker is not installed here: build where it is, or look at the commands with --dry-run.")
    for function in functions:
        context = options["into"] / function
        write(f"{function}: {pack.image(function, registry)}")
        if not options["dry_run"]:
            pack.stage(function, context)
        for command in pack.build_commands(function, registry, context):
            write(f"  {shlex.join(command)}")
            if not options["dry_run"] and subprocess.run(command, check=False).returncode:
                raise CommandError(f"{shlex.join(command)} failed; its lines above say why.")


def bring_up(write, functions, options) -> None:
    control, account = _control()
    role, registry = _needed("SCF_ROLE"), _needed("SCF_REGISTRY")
    place = deploy.Place(registry, role, settings.SCF_INSTANCES, settings.SCF_REGISTRY_ID)
    for function in functions:
        goal = deploy.wanted(function, account, place)
        steps = deploy.plan(deploy.look(control, goal.name), goal)
        write(f"{goal.name}: {f'{len(steps)} steps' if steps else 'is as it shall be'}")
        if options["dry_run"]:
            for step in steps:
                write(f"  {step.says}")
            continue
        for number, step in enumerate(deploy.apply(control, goal, steps, pause=lambda: time.sleep(options["every"])), 1):
            write(f"  {number}/{len(steps)} {step.says}")
    if options["dry_run"]:
        write("Nothing was changed.")


def show(write, functions, options) -> None:
    control, account = _control()
    place = deploy.Place(settings.SCF_REGISTRY, settings.SCF_ROLE, settings.SCF_INSTANCES, settings.SCF_REGISTRY_ID)
    write(f"{'function':<24} {'status':<12} {'live':>4} {'MB':>5} {'s':>5} {'reserved':>8}  image")
    for function in functions:
        goal = deploy.wanted(function, account, place)
        found = deploy.look(control, goal.name)
        if found is None:
            write(f"{goal.name:<24} not deployed")
            continue
        live = found.live_config or found.config
        facts = f"{found.status:<12} {found.live or '-':>4} {live.memory_mb:>5} {live.timeout_s:>5} {found.reserved_mb or 0:>8}"
        behind = "" if found.live_config == goal.config else "  (not what this source says: deploy)"
        write(f"{goal.name:<24} {facts}  {live.image}{behind}")


def show_logs(write, functions, options) -> None:
    control, _ = _control()
    for run in deploy.logs(control, deployed_name(functions[0]), run=options["run"]):
        write(f"{run['StartTime']} {run['RequestId']} code {run['RetCode']}, {run['Duration']:.0f} ms")
        for line in (run.get("Log") or "").splitlines():
            write(f"  {line}")


def go_back(write, functions, options) -> None:
    control, _ = _control()
    name = deployed_name(functions[0])
    version = deploy.rollback(control, name, to=options["to"])
    write(f"{name}: version {version} is live. Runs that have begun end as they began.")


def remove(write, functions, options) -> None:
    names = [deployed_name(function) for function in functions]
    if options["dry_run"] or not options["yes"]:
        write(f"Would delete {', '.join(names)} with all versions; say --yes to do it.")
        return
    control, _ = _control()
    for name in names:
        write(f"{name}: {'deleted' if deploy.remove(control, name) else 'was not there'}")


def write_docs(write, functions, options) -> None:
    shown = [function for function in functions if function in gallery.NAMES]
    gallery_writer.write(shown, pack.HERE.parent / "docs", tell=write)


COMMANDS = {
    "build": build,
    "deploy": bring_up,
    "list": show,
    "logs": show_logs,
    "rollback": go_back,
    "remove": remove,
    "docs": write_docs,
}


def _control():
    """The way to the account's functions, and the account; raises CommandError that names what is not set."""
    for name in NEEDED:
        _needed(name)
    account = Account.read(built_in.cloud_account())
    return Control(account), account


def _needed(name: str) -> str:
    value = getattr(settings, name)
    if not value:
        raise CommandError(f"Set {name}: docs/functions-on-scf.md says to what.")
    return value


@contextmanager
def _told() -> Iterator[None]:
    """What stops a command, as one line for the operator."""
    try:
        yield
    except FAULTS as fault:
        raise CommandError(f"{str(fault)[:1].upper()}{str(fault)[1:]}") from None
