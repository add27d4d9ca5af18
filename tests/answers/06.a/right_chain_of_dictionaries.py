"""Right: one dictionary over the other, the text read at the end."""


def setting(name, program, environment, file, default):
    value = {name: default, **file, **environ_without_others(name, environment)}[name]
    if program is not None:
        value = program
    try:
        return int(value)
    except ValueError:
        raise ValueError(f"{name}={value!r} is no whole number") from None


def environ_without_others(name, environment):
    return {key: value for key, value in environment.items() if key == name}


answer = setting
