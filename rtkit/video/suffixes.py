"""Suffixes of videos and pictures, and schemes of network cameras, apart from what reads them: plug-ins are told of them at every start."""

from __future__ import annotations

VIDEO = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".wmv", ".3gp", ".mjpeg", ".gif", ".y4m")
#: Videos that are written.
MOVIE = (".mp4", ".m4v", ".mov", ".mkv")
PICTURE = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm")
#: Network protocols by which cameras send.
SCHEMES = ("http://", "https://", "rtsp://", "rtsps://", "rtmp://", "udp://", "tcp://", "rtp://", "srt://")
