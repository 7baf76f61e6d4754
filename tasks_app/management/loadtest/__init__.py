"""A load of requests on a Darkroom, and what its clients would have felt.

    plan.py    what is sent, how often and for how long; when each request is due (pure)
    calls.py   the calls of the API that a load is mixed from
    fire.py    sends them: in an open loop at the plan's rate, or in a closed loop by so many clients
    seen.py    what was measured, and all of it as JSON;  times.py  a histogram
    compare.py two runs side by side
    chart.py   lines as SVG;  page.py  a run, or two, as one HTML file

In an open loop a request's time counts from the moment when it was due, whether or not it could be sent then: a server that stalls for a
second makes everyone wait who came meanwhile. A closed loop's clients wait for the answer before they ask again, so they send
less to a server that stalls, and its percentiles hide the stall ("coordinated omission"). It tells how much can be answered, not how soon.
"""
