"""Darkroom on three hosts, one of which is cut off: python -m tests.journeys.hosts (as root, in a network namespace of its own)

    left   a worker host ──┐
                           ├── a bridge at the main host: MariaDB, Redis, web, beat, the upstreams, and the clients
    right  a worker host ──┘

Each is a network namespace, so that no packet of it reaches this machine's own network (lan.py). What happens (cuts.py) is judged by the
books that all faults are judged by (tests/journeys/faults/judge.py): nothing lost, nothing bought twice, nothing left over. What a
bucket is between real hosts is a folder here, which a cut leaves within reach.
"""
