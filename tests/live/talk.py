"""A page without a browser: a WebSocket that speaks as `docs/live-protocol.md` says."""

import json
import struct
import time

from websockets.sync.client import connect


class Page:
    """Connects to a server, and waits for messages."""

    def __init__(self, server, **options):
        host = server.url.split("/")[2]
        token = server.url.partition("?")[2]
        self._connecting = connect(f"ws://{host}/ws?{token}", max_size=None, max_queue=None, ping_interval=None, close_timeout=1, **options)

    def __enter__(self):
        self.socket = self._connecting.__enter__()
        self.hello = self.wait("hello")
        self.state = self.wait("state")
        self.run_before = self.state["run"]
        return self

    def __exit__(self, *exception):
        self._connecting.__exit__(*exception)

    def say(self, do, **values):
        self.socket.send(json.dumps({"do": do, **values}))

    def send(self, kind, index, content):
        self.socket.send(struct.pack("<BI", kind, index) + content)

    def hear(self, timeout=30):
        """The next message; of a packet its header, and its bytes as ``bytes``."""
        message = self.socket.recv(timeout)
        if isinstance(message, str):
            return json.loads(message)
        (length,) = struct.unpack_from("<I", message)
        return json.loads(message[4 : 4 + length]) | {"bytes": message[4 + length :]}

    def wait(self, kind, timeout=60, **wanted):
        """The next message of a kind that has these values; a refusal is an error unless it is waited for."""
        until = time.monotonic() + timeout
        while time.monotonic() < until:
            heard = self.hear(until - time.monotonic())
            if heard["is"] == kind and all(heard[key] == value for key, value in wanted.items()):
                return heard
            assert heard["is"] != "refused", heard["why"]
        raise AssertionError(f"no {kind} {wanted} within {timeout} s")

    def start(self, source, *steps, **values):
        """Start a stream that is in no hurry, and wait until it runs; a step is a name, or a name and its parameters."""
        wishes = [{"processor": step} if isinstance(step, str) else {"processor": step[0], "values": step[1]} for step in steps]
        self.say("start", source=source, steps=wishes, **values)
        return self.wait("state", state="running")

    def run(self, source, *steps, **values):
        """Start a stream and hear everything until it has ended."""
        run = self.run_before + 1
        self.socket.send(start(source, *steps, **values))
        heard = []
        while not (heard and heard[-1]["is"] == "state" and heard[-1]["state"] == "ended" and heard[-1]["run"] == run):
            heard.append(self.hear())
        self.run_before = run
        return heard

    def stop(self):
        self.say("stop")
        return self.wait("state", state="ended")


def start(source, *steps, **values):
    """The message of `Page.start`, for those who do not wait."""
    return json.dumps({"do": "start", "source": source, "steps": [{"processor": step} for step in steps], **values})
