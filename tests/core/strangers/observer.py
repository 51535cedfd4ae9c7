from rtkit import hookimpl


@hookimpl
def rtkit_event(stream, event):
    raise ValueError("boom in observer")
