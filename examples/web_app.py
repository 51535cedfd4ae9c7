"""Events of a stream in a web page: python web_app.py call.wav, then http://127.0.0.1:8000"""

import json
import sys

import uvicorn
from starlette.applications import Starlette
from starlette.responses import StreamingResponse
from starlette.routing import Route

import rtkit


def events(request):
    found = (event for _, events in rtkit.Stream(sys.argv[1], "echo", realtime=True) for event in events)
    return StreamingResponse((json.dumps(event.data) + "\n" for event in found), media_type="application/x-ndjson")


if __name__ == "__main__":
    uvicorn.run(Starlette(routes=[Route("/", events)]), port=int(sys.argv[2]) if len(sys.argv) > 2 else 8000)
