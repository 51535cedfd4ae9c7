"""Models in ONNX files: found by name, checked against their card, and run in sessions that processors share; see `rtkit.models`."""
