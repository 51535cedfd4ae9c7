"""What plug-ins provide beside processors, sources, sinks and commands: devices that are there, and views of the live page."""
