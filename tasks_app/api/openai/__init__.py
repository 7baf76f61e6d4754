"""/v1: a second face of the same engine, for whoever has the official `openai` client (docs/openai-client.md).

    body         a request, JSON or a form → its parameters and files
    references   uploads, data URLs, `{file_id}`, `{image_url}` → references as our inputs know them
    parameters   `seconds`, `size`, `input_reference` … → the input of a model, by its schema
    purchase     one request, however often it is sent → one task
    videos, images, models   the views;   shown, pictures   what they answer;   errors   what they refuse

Nothing of the engine is doubled: orders go by `accept`, tasks are read by `rows`, bytes are sent by `content`.
"""
