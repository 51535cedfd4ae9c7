#!/bin/sh
# System packages for live audio and video and their tests (PortAudio, a virtual sound card; a screen in memory with keys and
# pictures of it, FFmpeg, an RTSP server, a browser), where this user may install them.
# Without them the live tests skip and say so; everything else works.
packages="libportaudio2 pulseaudio pulseaudio-utils libasound2-plugins xvfb xdotool imagemagick ffmpeg
gir1.2-gst-rtsp-server-1.0 python3-gst-1.0 gstreamer1.0-plugins-good gstreamer1.0-plugins-ugly chromium"
missing=""
for package in $packages; do
    dpkg -s "$package" >/dev/null 2>&1 || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if ! command -v apt-get >/dev/null 2>&1 || [ "$(id -u)" != 0 ]; then
    echo "not installed, so live tests will skip:$missing"
    exit 0
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq || true
# shellcheck disable=SC2086
apt-get install -y -qq --no-install-recommends $missing >/dev/null || echo "could not install:$missing"
