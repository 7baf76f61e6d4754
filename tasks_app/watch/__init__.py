"""Who watches tasks is told what they do, a moment after it is committed.

    lifecycle.advance ─ commit ► news.tell ─ Redis ─► Follower hears ► look ► Watcher of each stream ► its client
                                                          └ and looks every few seconds by itself

The event log (`TaskEvent`) is the truth: a look reads what is new in it, for all that this process watches together. What is heard only
says that a look is worth while, and how far a task is; so Redis may be away, and all goes on, slower.
"""
