"""The local runtime: a small SCF on this machine. It runs each function as the HTTP server that it is, in child processes.

web → runs → pool → instance          (folder: what outlives the runtime)
"""
