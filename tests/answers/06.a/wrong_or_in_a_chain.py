"""Wrong: `or` passes over 0. Says: 0 is a number."""


def whole_number(name, program, environment, file, default):
    text = program or environment.get(name) or file.get(name) or default
    try:
        return int(text)
    except ValueError as error:
        raise ValueError(f"{name} is no number") from error


answer = whole_number
