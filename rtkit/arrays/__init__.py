"""Arrays, iterables and functions of the caller as ends of a stream; chains over arrays; recordings as arrays."""
