"""Wrong: refuses a wrong text in a place that does not decide. Says: does not count."""


def whole_number(name, program, environment, file, default):
    numbers = []
    for place in (environment, file):
        if name in place:
            try:
                numbers.append(int(place[name]))
            except ValueError as error:
                raise ValueError(f"{name} has to be a whole number") from error
    if program is not None:
        return program
    return numbers[0] if numbers else default


answer = whole_number
