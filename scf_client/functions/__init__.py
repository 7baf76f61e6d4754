"""Our cloud functions. Each folder is deployable alone together with `common`; none imports anything else of ours.

An event reaches a function as `POST /event-invoke` (common/server.py), on SCF as on the local runtime:

    {"token", "kind", "input", "out", "work"}  →  {"ok": true, "outputs": [{"file", "content_type", …}]}
                                               or {"ok": false, "error": {"code", "message", "field"}}

On SCF there are no folders, but a bucket (common/cloud.py): {"token", "kind", "input"}, or {"token", "ordered": true} where the event
is too long and lies in the bucket; each output has its "key" there.
"""
