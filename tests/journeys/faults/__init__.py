"""What goes wrong around Darkroom, made to go wrong: python -m tests.journeys.faults [word …]   (`make faults`)

Real MariaDB (each commit durable), Redis, gunicorn, Celery workers and beat, and simulated upstreams over sockets.

    clients post tasks with idempotency keys, and post again with the same key where the wire broke       load.py
    meanwhile a trouble comes over the servers, and ends                                        troubles.py names all
    all is whole again; every task must come to its end, and then the books are read                      judge.py
    in the end, requests made up from the API's description; and figures beside what was aimed at         schema.py, aims.py

A trouble is a function named as a sentence: what happens. Its moments are dice thrown from a seed that is printed;
FAULTS_SEED throws the same again, FAULTS_ROUNDS lets each trouble come over the servers so many times.
The troubles marked short run as tests (test_faults.py); all of them, and docs/reliability.md, are `make faults`.
"""
