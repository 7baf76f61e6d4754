"""How fast, measured: one module for each question, run together by `python -m tests.benchmarks`."""
