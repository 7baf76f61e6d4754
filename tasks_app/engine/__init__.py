"""The road of a task.

    POST /tasks ► accept ─ hold + INSERT queued (one transaction) ─► 201
                    └ on commit ► wake "submit"
    submit   slots.take ► adapter.submit ► decisions.after_submit ► lifecycle.advance(running)
    poll     claims.take ► adapter.poll ► decisions.after_poll ► advance(storing)
    store    claims.take ► egress ► storage.put ► media.examine ► decisions.after_store ► advance(succeeded)
      lifecycle   └► settle: credits, outputs, event and webhook deliveries in the same transaction
                      └ on commit ► wake the next step
    callback an upstream says that a job has news ► the row is due now (nothing that it says is believed)
    late     jobs that go on without a task are asked about ► attempts.late_outcome
    notify   webhooks.deliver: what was queued goes to the clients' own servers

A submit whose answer was lost is settled by the strongest way that its adapter declares (providers/outcomes.py: Recovery); what that
needs is in lost.py. Each step is a pump (pump.py) of three functions: take, call, land. What happens next is decided in decisions.py, which
knows no database; who may write is told by claims.py; the only writer of `status` is lifecycle.py.
"""
