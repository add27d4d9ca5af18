"""Wrong: int's own error, which does not know the variable. Says: DB_POOL_MAX_SIZE."""


def whole_number(name, program, environment, file, default):
    if program is not None:
        return program
    if name in environment:
        return int(environment[name])
    if name in file:
        return int(file[name])
    return default


answer = whole_number
