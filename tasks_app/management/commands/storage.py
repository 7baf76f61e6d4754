"""`manage.py storage check`, `setup` and `strays`: for the operator who has chosen where files are kept."""

from datetime import timedelta
from itertools import chain

from django.conf import settings
from django.core.management import BaseCommand, CommandError
from django.utils import timezone

from tasks_app import strays
from tasks_app.storage import StorageAway, chosen, trial

UPLOADS_TAKE = timedelta(days=2)  # more than any does, from its begin to its row: a direct one may have a day


class Command(BaseCommand):
    help = "check: tries each thing on a small object. setup: lifecycle and CORS rules. strays: files that belong to nobody."

    def add_arguments(self, parser):
        commands = parser.add_subparsers(dest="command", required=True)
        commands.add_parser("check", help="put, get, range, sign, take by a link, copy and delete a small object, with a verdict on each")
        setup = commands.add_parser("setup", help="lifecycle rules for left-overs, and a CORS rule for pages")
        setup.add_argument(
            "--origin", action="append", default=[], help="a page's origin that may read, beside PUBLIC_URL; repeat for more"
        )
        setup.add_argument("--dry-run", action="store_true", help="print the plan and change nothing")

        strays = commands.add_parser(
            "strays", help="results that no task or flag has, as after a backup was put back, and uploads without a row"
        )
        strays.add_argument("--delete", action="store_true", help="delete them; else they are only listed")

    def handle(self, *args, command, **options):
        match command:
            case "check":
                check(self.stdout.write)
            case "setup":
                setup(self.stdout.write, options["origin"], dry_run=options["dry_run"])
            case "strays":
                stray(self.stdout.write, delete=options["delete"])


def check(write) -> None:
    """Raises CommandError that counts what failed."""
    store = chosen()
    write(f"{store!r}")
    verdicts = []
    for verdict in _trials(store):
        verdicts.append(verdict)
        write(
            f"  {verdict.what:<8} {'FAILED' if verdict.fault else 'ok':<7} {verdict.ms:6.0f} ms  {verdict.fault or verdict.note}".rstrip()
        )
    if failed := sum(bool(verdict.fault) for verdict in verdicts):
        raise CommandError(f"{failed} of {len(verdicts)} failed.")


def setup(write, origins, *, dry_run: bool) -> None:
    """Raises CommandError where there is no bucket, or where it refuses."""
    from tasks_app.storage import rules

    wire = _bucket()
    try:
        there = rules.look(wire)
        plan = rules.planned(there, [settings.PUBLIC_URL, *origins])
        for line in rules.lines(plan):
            write(f"  {line}")
        if plan == there:
            write("The bucket has these rules.")
        elif dry_run:
            write("Nothing was changed.")
        else:
            rules.apply(wire, plan)
            write("The bucket has these rules now; those of others are as they were.")
    except StorageAway as fault:
        hint = " The key needs GetBucketLifecycle, PutBucketLifecycle, GetBucketCORS and PutBucketCORS." if "403" in str(fault) else ""
        raise CommandError(f"{fault}.{hint}") from None


def stray(write, *, delete: bool) -> None:
    """A line for each key with its size, and the sum."""
    store, count, size = chosen(), 0, 0
    try:
        for key in chain(strays.results(), strays.recovered(), strays.uploads(before=timezone.now() - UPLOADS_TAKE)):
            bytes = store.size(key) or 0
            write(f"  {bytes:>12,} bytes  {key}")
            count, size = count + 1, size + bytes
            if delete:
                store.delete(key)
    except StorageAway as fault:
        raise CommandError(f"{fault}.") from None
    what = "were deleted" if delete and count else "belong to no task and no upload"
    write(f"{count} files of {size:,} bytes {what}." + ("" if delete or not count else " --delete deletes them."))


def _trials(store):
    yield from trial.run(store)
    if settings.STORAGE == "cos":
        yield trial.tried("rules", _has_rules)


def _has_rules() -> str:
    from tasks_app.storage import rules

    there = rules.look(_bucket())
    missing = [rule for rule in rules.planned(rules.Rules(), []).lifecycle if rule not in there.lifecycle]
    if missing:
        raise trial.Failed("left-overs of killed processes are never deleted: run manage.py storage setup")
    return "left-overs are deleted"


def _bucket():
    if settings.STORAGE != "cos":
        raise CommandError("STORAGE=disk has nothing to set up; with STORAGE=cos there is a bucket.")
    return chosen().wire
