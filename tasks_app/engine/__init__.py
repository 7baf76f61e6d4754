"""The road of a task.

    POST /tasks ► accept ─ hold + INSERT queued (one transaction) ─► 201
                    └ on commit ► wake "submit"
    submit   slots.take ► adapter.submit ► decisions.after_submit ► lifecycle.advance(running)
    poll     claims.take ► adapter.poll ► decisions.after_poll ► advance(storing)
    store    claims.take ► egress ► storage.put ► media.examine ► decisions.after_store ► advance(succeeded)
      lifecycle   └► settle: credits, outputs, event and webhook deliveries in the same transaction
                      └ on commit ► wake the next step
    notify   webhooks.deliver: what was queued goes to the clients' own servers

Each step is a pump (pump.py) of three functions: take, call, land. What happens next is decided in decisions.py, which
knows no database; who may write is told by claims.py; the only writer of `status` is lifecycle.py.
"""
