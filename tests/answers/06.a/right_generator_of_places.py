"""Right: the first place that says something, found with next."""

from collections import ChainMap


def whole_number(name, program, environment, file, default):
    said = [program] if program is not None else []
    texts = ChainMap(environment, file)
    if name in texts:
        said.append(texts[name])
    first = next(iter(said), default)
    if isinstance(first, str):
        if not first.strip().lstrip("+-").isdigit():
            raise ValueError(f"the variable {name} holds no whole number: {first}")
        first = int(first)
    return first


answer = whole_number
