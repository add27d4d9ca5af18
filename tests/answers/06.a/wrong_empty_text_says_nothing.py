"""Wrong: an empty text counts as if the name were missing. Says: raised nothing."""


def whole_number(name, program, environment, file, default):
    if program is not None:
        return program
    text = environment.get(name) or file.get(name)
    if text is None:
        return default
    try:
        return int(text)
    except ValueError as error:
        raise ValueError(f"{name} is no whole number") from error


answer = whole_number
