from rtkit import hookimpl


@hookimpl
def rtkit_register_commands(app):
    @app.command("hello")
    def hello():
        print("hi")
