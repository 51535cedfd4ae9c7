"""Files: pipelines written down, and what sinks that write files share."""
