"""Harder scenes of a pair of talkers and rooms, beside those of `comparison.everyday`; each gives figures by name."""

from dataclasses import replace

import numpy as np
import soxr
from rtkit_echo.comparison import (
    DOUBLE_TALK,
    DURATION_S,
    LAST_THIRD,
    MAX_DELAY_SAMPLES,
    PATH_CHANGE,
    RATE_HZ,
    changed_path,
    erle,
    joined_at,
    reached,
    scene,
    speech,
)

from benchmarks.echo.data import music

COUNT = DURATION_S * RATE_HZ
PART, VOICE = slice(round(LAST_THIRD * COUNT), COUNT - MAX_DELAY_SAMPLES), slice(round(DOUBLE_TALK * COUNT), COUNT - MAX_DELAY_SAMPLES)
DELAYS = (100, 400, 900)
CLOCKS = (200, -200, 300, -300)
#: Bulk delay (ms) of the scenes with drifting clocks, so that the echo stays behind the far end, and of the one with everything at once.
APART, AT_ONCE = 25, 400
#: Beginning and end (s) of digital silence, and the sample that is not silent any more.
HUSH, AGAIN, SILENT = 8, 14, 1e-6
#: Level of the noise below the echo (dB) where it is loud.
LOUD_NOISE = -20.0


def loudspeaker(signal):
    """Saturates, and not quite evenly."""
    return np.tanh(2.2 * signal) / 2.2 + 0.03 * signal**2


def late(signal, milliseconds):
    return np.concatenate([np.zeros(RATE_HZ * milliseconds // 1000, np.float32), signal])[: len(signal)]


def clock(signal, ppm):
    """What a clock that runs faster by so much makes of a signal; as long as that was."""
    own = soxr.resample(signal, RATE_HZ, RATE_HZ * (1 + ppm * 1e-6), "VHQ")[: len(signal)]
    return np.concatenate([own, np.zeros(len(signal) - len(own), np.float32)])


def level(out, noise, part):
    """Level of what is left beside that of the noise (dB)."""
    return -erle(noise, out, part)


def far_alone(cleaned, pair, seed):
    """What is left beside the noise; a loudspeaker that distorts; loud noise; music; the change of ERLE by delays and clocks."""
    far, echo, noise, _ = scene(pair, seed, pair.room)

    def depth(echo, noise=noise, far=far):
        out = cleaned(echo + noise, far)
        return erle(echo + noise, out, PART), level(out, noise, PART)

    plain, left = depth(echo)
    found = {"alone_level": left, "distorted": depth(scene(pair, seed, pair.room, loudspeaker=loudspeaker)[1])[0]}
    found["noisy"], found["noisy_level"] = depth(echo, scene(pair, seed, pair.room, noise=LOUD_NOISE)[2])
    found |= {f"delay_{delay}": depth(late(echo, delay))[0] - plain for delay in DELAYS}
    return found | {f"clock_{ppm}": depth(clock(late(echo, APART), ppm))[0] - plain for ppm in CLOCKS}


def double_talk(cleaned, pair, seed):
    """Everything at once; a start in double talk; a change of the path during it."""
    far, echo, noise, talker = scene(pair, seed, pair.room)
    voice = joined_at(talker, VOICE.start)
    out = cleaned(clock(late(echo, AT_ONCE), CLOCKS[0]) + noise + voice, far)
    found = {f"at_once_{key}": value for key, value in speech(voice[VOICE], out[VOICE]).items()}
    for name, heard, says, since in (
        ("start", echo, talker, 0),
        ("change", changed_path(pair, seed, echo), voice, round(PATH_CHANGE * COUNT)),
    ):
        out = cleaned(heard + noise + says, far)
        ten_seconds = slice(since + RATE_HZ, since + 11 * RATE_HZ)
        found |= {f"{name}_{key}": value for key, value in speech(says[ten_seconds], out[ten_seconds]).items()}
        rest = out - says - noise  # of the echo; where a talker was damaged, that counts, too
        for depth in (10, 20):
            found[f"{name}_t{depth}_s"] = reached(heard, rest, depth, since)
    return found


def music_at_the_far_end(cleaned, pair, seed):
    far, echo, noise, talker = scene(replace(pair, far=music()), seed, pair.room)
    voice = joined_at(talker, VOICE.start)
    found = {"music": erle(echo + noise, cleaned(echo + noise, far), PART)}
    out = cleaned(echo + noise + voice, far)
    return found | {f"music_{key}": value for key, value in speech(voice[VOICE], out[VOICE]).items()}


def silence(cleaned, pair, seed):
    """Digital silence at both ends: the time until the output is silent, too, and stays it; ERLE of the two seconds behind the silence."""
    far, echo, noise, _ = scene(pair, seed, pair.room)
    near = echo + noise
    for signal in (near, far):
        signal[HUSH * RATE_HZ : AGAIN * RATE_HZ] = 0
    out = cleaned(near, far)
    heard = np.flatnonzero(np.abs(out[HUSH * RATE_HZ : AGAIN * RATE_HZ - MAX_DELAY_SAMPLES]) > SILENT)  # a window may begin a little early
    after = slice(AGAIN * RATE_HZ, (AGAIN + 2) * RATE_HZ)
    return {"silence_s": heard[-1] / RATE_HZ if len(heard) else 0.0, "silence_after": erle(near, out, after)}


def headphones(cleaned, pair, seed):
    """Both talk, but there is no echo; and an echo that comes in the middle, when nobody talks at the near end any more."""
    far, echo, noise, talker = scene(pair, seed, pair.room)
    half = round(PATH_CHANGE * COUNT)
    near = talker + noise
    same = speech(near[:-MAX_DELAY_SAMPLES], cleaned(near, far)[:-MAX_DELAY_SAMPLES])
    near = np.concatenate([near[:half], (echo + noise)[half:]])
    out = cleaned(near, far)
    found = {f"headphones_{key}": value for key, value in same.items()}
    return found | {"unplugged": erle(near, out, PART), "unplugged_t10_s": reached(near, out, 10, half)}


#: Names of the figures of `comparison.everyday`, and of those above.
EVERYDAY = {
    "erle": "far end alone: ERLE in the last third (dB)",
    "erle_new": "change of the path: ERLE in the last third (dB)",
    "t10_s": "change of the path: time until 10 dB (s)",
    "dt_pesq": "double talk, both alike: PESQ",
    "dt_stoi": "double talk, both alike: STOI",
    "near10_pesq": "near end 10 dB louder: PESQ",
    "near10_stoi": "near end 10 dB louder: STOI",
    "near_pesq": "near end alone, against the microphone: PESQ",
}
HARDER = (
    {
        "alone_level": "far end alone: output beside the noise (dB)",
        "distorted": "loudspeaker that distorts: ERLE (dB)",
        "noisy": "noise 20 dB below the echo: ERLE (dB)",
        "noisy_level": "noise 20 dB below the echo: output beside the noise (dB)",
    }
    | {f"delay_{delay}": f"bulk delay of {delay} ms: change of ERLE (dB)" for delay in DELAYS}
    | {f"clock_{ppm}": f"clocks {ppm:+d} ppm apart, {APART} ms of delay: change of ERLE (dB)" for ppm in CLOCKS}
    | {
        "at_once_pesq": f"{AT_ONCE} ms, {CLOCKS[0]} ppm and double talk: PESQ",
        "at_once_stoi": f"{AT_ONCE} ms, {CLOCKS[0]} ppm and double talk: STOI",
        "start_pesq": "start in double talk, ten seconds from 1 s on: PESQ",
        "start_stoi": "start in double talk, ten seconds from 1 s on: STOI",
        "start_t10_s": "start in double talk: time until echo and damage are 10 dB down (s)",
        "start_t20_s": "start in double talk: time until echo and damage are 20 dB down (s)",
        "change_pesq": "change of the path in double talk, ten seconds from 1 s on: PESQ",
        "change_stoi": "change of the path in double talk, ten seconds from 1 s on: STOI",
        "change_t10_s": "change of the path in double talk: time until echo and damage are 10 dB down (s)",
        "change_t20_s": "change of the path in double talk: time until echo and damage are 20 dB down (s)",
        "music": "music at the far end: ERLE (dB)",
        "music_pesq": "music at the far end, double talk: PESQ",
        "music_stoi": "music at the far end, double talk: STOI",
        "silence_s": "digital silence at both ends: time until the output is silent (s)",
        "silence_after": "after it, the first two seconds: ERLE (dB)",
        "headphones_pesq": "both talk, no echo, against the microphone: PESQ",
        "headphones_stoi": "both talk, no echo, against the microphone: STOI",
        "unplugged": "an echo that comes after that: ERLE in the last third (dB)",
        "unplugged_t10_s": "an echo that comes after that: time until 10 dB (s)",
    }
)
MEASURES = (far_alone, double_talk, music_at_the_far_end, silence, headphones)
