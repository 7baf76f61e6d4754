"""Telling a client's own server what became of a task: signed, in order, until it has heard, and no one waits for a deaf one.

    lifecycle  ► outbox.queue: a Delivery for each endpoint and URL that wants the event, in the transaction of the move
                   └ on commit ► wake "notify"
    engine/notify  claims.take: at most two open calls a lane, no event before the earlier ones of its task
                     ► deliver.call: payload signed, POSTed once ► verdict.after_call ► deliver.land

A lane is one endpoint, or one account and host for the URLs that came with tasks (lanes.py). What happens next is decided in
verdict.py, which knows no database.
"""
