"""Wrong: returns the text of the environment. Says: whole number."""


def whole_number(name, program, environment, file, default):
    if program is not None:
        return program
    return environment.get(name, file.get(name, default))


answer = whole_number
