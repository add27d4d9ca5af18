"""Wrong: load_dotenv(override=True): the file overrides. Says: the environment."""


def whole_number(name, program, environment, file, default):
    if program is not None:
        return program
    values = {**environment, **file}
    try:
        return int(values.get(name, default))
    except ValueError as error:
        raise ValueError(f"{name} is no number") from error


answer = whole_number
