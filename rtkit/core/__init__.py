"""The contract and the engine: what flows, what a processor is, plug-ins, chains, streams. It knows no format, no device, no plug-in."""
