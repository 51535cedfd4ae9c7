"""The devices that are there, as the plug-ins list them."""

from __future__ import annotations

from typing import Any

from rtkit.core.host import Host

#: What has to be told of each device.
DEVICE_KEYS = frozenset({"source", "name", "group", "gives", "far"})


def list_devices(host: Host) -> tuple[list[dict[str, Any]], list[str]]:
    """The devices of all plug-ins, each as `rtkit.core.hookspecs.rtkit_list_devices` says, and why those of a plug-in are missing.

    Returns
    -------
    tuple of list of dict and list of str
        The devices; a line for each plug-in that failed, none of whose devices are among them.
    """
    found: list[dict[str, Any]] = []
    problems = []
    for implementation in host.manager.hook.rtkit_list_devices.get_hookimpls():
        try:
            devices: list[dict[str, Any]] = implementation.function()  # type: ignore[assignment]
            for device in devices:
                if missing := DEVICE_KEYS - device.keys():
                    raise ValueError(f"a device without {', '.join(sorted(missing))}: {device}")
            found += devices
        except (Exception, SystemExit) as error:  # a stranger's code may raise anything; the rest must go on
            problems.append(" ".join(f"devices of plug-in {implementation.plugin_name!r}: {error}".split()))
    return found, problems
