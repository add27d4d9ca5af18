"""Wrong: isdigit knows no number below 0. Says: -5 is a whole number."""


def whole_number(name, program, environment, file, default):
    if program is not None:
        return program
    text = environment.get(name, file.get(name))
    if text is None:
        return default
    if not text.isdigit():
        raise ValueError(f"{name} is no whole number")
    return int(text)


answer = whole_number
