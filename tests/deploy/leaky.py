"""An application that leaks on purpose: /leak/N keeps N megabytes for ever, /slow/S answers after S seconds.

/at-work answers how many slow requests are at work, everything else the process's id.
"""

import os
import time

kept, at_work = [], []


def application(environ, start_response):
    verb, _, amount = environ["PATH_INFO"].strip("/").partition("/")
    if verb == "leak":
        kept.append(b"x" * (int(amount) * 1_000_000))
    if verb == "slow":
        at_work.append(amount)
        time.sleep(float(amount))
        at_work.remove(amount)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(len(at_work) if verb == "at-work" else os.getpid()).encode()]
