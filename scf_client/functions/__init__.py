"""Our cloud functions. Each folder is deployable alone together with `common`; none imports anything else of ours.

An event reaches a function as `POST /event-invoke` (common/server.py), on SCF as on the local runtime:

    {"token", "kind", "input", "out", "work"}  →  {"ok": true, "outputs": [{"file", "content_type", …}]}
                                               or {"ok": false, "error": {"code", "message", "field"}}
"""
