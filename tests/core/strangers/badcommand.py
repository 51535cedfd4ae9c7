from rtkit import hookimpl


@hookimpl
def rtkit_register_commands(app):
    raise RuntimeError("boom in commands")
