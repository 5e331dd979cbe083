"""Configuration files from Python values: a dict is a group, a list of dicts a list, any other list an array."""


def write(groups):
    return "".join(f"{name} = {_value(value)};\n" for name, value in groups.items())


def _value(value):
    if isinstance(value, dict):
        return "{ " + " ".join(f"{k} = {_value(v)};" for k, v in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        inner = ", ".join(_value(v) for v in value)
        return f"( {inner} )" if value and isinstance(value[0], dict) else f"[ {inner} ]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def pipelines(**named):
    return write({"pipelines": named})
