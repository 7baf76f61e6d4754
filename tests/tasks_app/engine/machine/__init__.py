"""The engine between clients, workers, upstreams and time, for test_machine.py: what they may say, do, and must leave intact."""
