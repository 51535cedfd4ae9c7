"""Suffixes of sound files, apart from what reads them: plug-ins are told of them at every start."""

from __future__ import annotations

SOUND = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aiff", ".aif", ".au", ".caf", ".w64", ".rf64")
