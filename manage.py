#!/usr/bin/env python3
"""Django's command line for Darkroom: `./manage.py help` lists what it can do."""

import json
import os
import sys


def run() -> None:
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except SystemExit as ended:
        # A text is what WrongEnvironment says: no settings can be loaded then, and so no command.
        if isinstance(ended.code, str) and sys.argv[1:2] == ["doctor"]:
            sys.exit(diagnosed(ended.code))
        raise


def diagnosed(environment: str) -> int:
    """Print the one verdict that the doctor can give where the environment is wrong; returns its exit code."""
    verdict = {"check": "environment", "level": "fail", "figure": environment, "remedy": "Set what it names: docs/configuration.md."}
    print(json.dumps({"verdict": "fail", "exit_code": 2, "checks": [verdict]}, indent=2) if "--json" in sys.argv else environment)
    return 2


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    run()
