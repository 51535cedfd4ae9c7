#!/bin/sh
# System packages for live audio and its tests (PortAudio, a virtual sound card), where this user may install them.
# Without them the live tests skip and say so; everything else works.
packages="libportaudio2 pulseaudio pulseaudio-utils libasound2-plugins"
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
