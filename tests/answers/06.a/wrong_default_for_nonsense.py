"""Wrong: a text that is no number is passed over. Says: ValueError."""


def whole_number(name, program, environment, file, default):
    if program is not None:
        return program
    for place in (environment, file):
        try:
            return int(place[name])
        except (KeyError, ValueError):
            continue
    return default


answer = whole_number
