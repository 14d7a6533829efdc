"""A drawn head and shoulders in the place of a photograph. No real face is used."""

from __future__ import annotations

import random

from PIL import Image, ImageDraw, ImageFilter

SKIN = ((238, 206, 180), (226, 188, 158), (244, 216, 194), (212, 174, 146))
CLOTHES = ((52, 60, 84), (120, 44, 48), (64, 92, 72), (88, 84, 96), (30, 34, 40))


def draw_portrait(rng: random.Random, size: tuple[int, int] = (300, 380)) -> Image.Image:
    """RGB, `size` = (width, height), on the white ground of an ID photo."""
    width, height = size
    picture = Image.new("RGB", size, (246, 247, 249))
    draw = ImageDraw.Draw(picture)
    skin, clothes = rng.choice(SKIN), rng.choice(CLOTHES)
    x, head_y = width / 2, height * 0.42
    half, tall = width * rng.uniform(0.2, 0.24), height * rng.uniform(0.22, 0.25)
    draw.ellipse((x - half * 1.16, head_y - tall * 1.25, x + half * 1.16, head_y + tall * 0.7), fill=(34, 30, 30))
    draw.rounded_rectangle((x - width * 0.42, height * 0.78, x + width * 0.42, height * 1.2), radius=60, fill=clothes)
    draw.polygon(((x - half * 0.5, height * 0.6), (x + half * 0.5, height * 0.6), (x, height * 0.9)), fill=skin)
    draw.ellipse((x - half, head_y - tall, x + half, head_y + tall), fill=skin)
    draw.pieslice((x - half, head_y - tall * 1.05, x + half, head_y + tall * 0.4), 190, 350, fill=(34, 30, 30))
    for side in (-1, 1):
        eye = x + side * half * 0.42
        draw.ellipse((eye - 11, head_y - 7, eye + 11, head_y + 7), fill=(250, 250, 250))
        draw.ellipse((eye - 6, head_y - 6, eye + 6, head_y + 6), fill=(28, 22, 20))
        draw.line((eye - 17, head_y - 21, eye + 17, head_y - 23), fill=(34, 28, 26), width=5)
    draw.line((x, head_y + 6, x - 6, head_y + tall * 0.42), fill=tuple(int(c * 0.82) for c in skin), width=4)
    draw.arc((x - 24, head_y + tall * 0.42, x + 24, head_y + tall * 0.7), 15, 165, fill=(158, 72, 72), width=5)
    return picture.filter(ImageFilter.GaussianBlur(1.2))
