"""Stitches with Pillow: an order a line, "done" when its file is written."""

import json
import sys

from PIL import Image, ImageOps

for line in sys.stdin:
    order = json.loads(line)
    width, height, across = order["width"], order["height"], order["across"]
    whole = Image.new("RGB", (width * across, height * -(-len(order["pictures"]) // across)), "#ffffff")
    for place, path in enumerate(order["pictures"]):
        with Image.open(path) as picture:
            picture.draft("RGB", (width, height))
            cell = ImageOps.fit(picture, (width, height), Image.Resampling.LANCZOS)
        whole.paste(cell, (place % across * width, place // across * height))
    whole.save(order["out"], quality=order["quality"])
    print("done", flush=True)
