"""Frames from outside and back: cameras, videos, pictures, windows."""
