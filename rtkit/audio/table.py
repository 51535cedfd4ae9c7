"""The table of audio devices."""

from __future__ import annotations

from typing import Any

from rtkit.audio.capture import MONITORS
from rtkit.audio.device import portaudio, quiet

RATES_HZ = (8000, 16000, 44100, 48000)  # telephone, wide-band speech, CD, sound cards


def devices() -> list[dict[str, Any]]:
    """All audio devices; empty where there is no sound system.

    Returns
    -------
    list of dict
        For each: ``number``, ``name``, ``host`` (API), ``inputs`` and ``outputs`` (channels), ``rate`` (its own, Hz),
        ``input_latency`` and ``output_latency`` (s, the safe ones), ``rates`` (Hz, those of `RATES_HZ` that it takes),
        ``default_input``, ``default_output`` and ``monitor`` (it hears an output) as bool.

    Raises
    ------
    DeviceError
        The PortAudio library is missing.
    """
    sd = portaudio()
    with quiet():
        hosts = [host["name"] for host in sd.query_hostapis()]
        default_input, default_output = sd.default.device
        return [
            {
                "number": device["index"],
                "name": device["name"],
                "host": hosts[device["hostapi"]],
                "inputs": device["max_input_channels"],
                "outputs": device["max_output_channels"],
                "rate": device["default_samplerate"],
                "input_latency": device["default_high_input_latency"],
                "output_latency": device["default_high_output_latency"],
                "rates": [rate for rate in RATES_HZ if _takes(sd, device, rate)],
                "default_input": device["index"] == default_input and device["max_input_channels"] > 0,
                "default_output": device["index"] == default_output and device["max_output_channels"] > 0,
                "monitor": device["max_input_channels"] > 0 and any(word in device["name"].casefold() for word in MONITORS),
            }
            for device in sd.query_devices()
        ]


def _takes(sd: Any, device: dict[str, Any], rate: int) -> bool:
    check, kind = (sd.check_input_settings, "input") if device["max_input_channels"] > 0 else (sd.check_output_settings, "output")
    try:
        check(device["index"], channels=min(2, device[f"max_{kind}_channels"]), dtype="float32", samplerate=rate)
    except (sd.PortAudioError, ValueError):
        return False
    return True
