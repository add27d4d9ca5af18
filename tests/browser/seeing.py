"""What a person sees: the contrast of colours, and whether a picture shows anything."""

from __future__ import annotations

import re
from dataclasses import dataclass

from playwright.sync_api import Locator

__all__ = ["Drawing", "contrast", "drawing"]

COLOURS = """(element, property) => {
    let paper = element;
    const clear = /^(transparent|rgba\\(.*, 0\\))$/;
    while (paper && clear.test(getComputedStyle(paper).backgroundColor)) {
        paper = paper.parentElement;
    }
    return [getComputedStyle(element).getPropertyValue(property),
            paper ? getComputedStyle(paper).backgroundColor : 'rgb(255, 255, 255)'];
}"""
PIXELS = """image => {
    const canvas = document.createElement('canvas');
    canvas.width = image.naturalWidth;
    canvas.height = image.naturalHeight;
    const context = canvas.getContext('2d');
    context.drawImage(image, 0, 0);
    const data = context.getImageData(0, 0, canvas.width, canvas.height).data;
    let ink = 0;
    for (let at = 0; at < data.length; at += 4) {
        ink += data[at] + data[at + 1] + data[at + 2] < 600;
    }
    return {width: canvas.width, ink: ink / (data.length / 4), corner: [...data.slice(0, 4)]};
}"""


@dataclass(frozen=True)
class Drawing:
    """A picture: its width in pixels, the share that is inked, and its corner's red to alpha."""

    width: int
    ink: float
    corner: list[int]


def drawing(picture: Locator) -> Drawing:
    """Look at the pixels of a picture."""
    return Drawing(**picture.evaluate(PIXELS))


def contrast(element: Locator, of: str = "color") -> float:
    """Return the contrast of an element's text with what is behind it, from 1 to 21 (WCAG 2).

    `of` names another property of style than the colour of text.
    """
    light, dark = sorted(map(_luminance, element.evaluate(COLOURS, of)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(float(part) / 255) for part in re.findall(r"[\d.]+", colour)[:3])
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
