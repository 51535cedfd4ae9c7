"""`rtkit faces`: enrol people, list them, forget them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from rtkit import InputError, show_progress

if TYPE_CHECKING:
    from pathlib import Path

    from rtkit_faces.collection import Collection
    from rtkit_faces.enrolment import Enrolment

commands = typer.Typer(help="The people that the processor faces knows.", no_args_is_help=True)

Place = Annotated[str | None, typer.Option("--people", help="Folder of people; that of the user when not given.")]


@commands.callback()
def _group() -> None:
    """The people that the processor `faces` knows."""


@commands.command("enrol")
def enrol_command(
    name: Annotated[str, typer.Argument(help="Whose faces they are.")],
    source: Annotated[str, typer.Argument(help="A folder of pictures of this one person, a picture, a video, or camera[:N].")],
    people: Place = None,
    cropped: Annotated[bool, typer.Option("--cropped", help="Each picture is a face already: no face is searched in it.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no report.")] = False,
) -> None:
    """Add a person, or more faces of one, and learn to tell all people apart."""
    from rtkit_faces import enrolment, folders
    from rtkit_faces.collection import collect
    from rtkit_faces.people import check_name

    name, folder = check_name(name), folders.chosen(people)
    enrolment.current(folder)  # what is damaged is told before a camera is opened, and so is a place that cannot be
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: is no folder; expected one for people")
    with show_progress(not quiet) as progress:
        found = collect(source, cropped, progress)
    for note in found.notes:
        print(f"{note}; left out", file=sys.stderr)
    if not found.faces:
        raise InputError(f"{source}: no face to enrol in {found.seen + found.refused['unreadable']} pictures{_reasons(found)}")
    made = enrolment.enrol(folder, name, found.faces)
    own = len(made.people.of(name))
    if own < enrolment.RECOMMENDED_FACES:
        advice = f"{enrolment.RECOMMENDED_FACES} or more, in different light and pose, make recognition reliable"
        print(f"rtkit: {name} has {own} faces; {advice}", file=sys.stderr)
    if not quiet:
        print("\n".join(described(name, source, found, made, folder)))


def described(name: str, source: str, found: Collection, made: Enrolment, folder: Path) -> list[str]:
    """What was enrolled, in lines."""
    from rtkit_faces.enrolment import FALSE_ACCEPT_RATE

    pictures = found.seen + found.refused["unreadable"]
    lines = [f"{source}: {pictures} pictures, {len(found.faces)} faces used{_reasons(found)}"]
    lines.append(f"{name}: {made.added} new, {len(made.people.of(name))} in all; {folder} holds {', '.join(made.people.names)}")
    if made.right is not None and made.accepted is not None:
        lines.append(
            f"left out in turn, {made.right:.1%} of all faces are given to the right person, "
            f"{made.accepted:.1%} at a false-accept rate of {FALSE_ACCEPT_RATE:g}"
        )
    return lines


def _reasons(found: Collection) -> str:
    refused = ", ".join(f"{count} {reason}" for reason, count in found.refused.most_common() if count)
    return f"; refused: {refused}" if refused else ""


@commands.command("list")
def list_command(people: Place = None) -> None:
    """Say who is enrolled, and with how many faces."""
    from rtkit_faces import enrolment, folders

    folder = folders.chosen(people)
    enrolled = enrolment.current(folder)
    for name in enrolled.names:
        print(f"{name:24} {len(enrolled.of(name)):4} faces")
    if not enrolled.names:
        print(f"{folder}: nobody is enrolled")


@commands.command("forget")
def forget_command(name: Annotated[str, typer.Argument(help="Who is to be forgotten.")], people: Place = None) -> None:
    """Remove a person and all faces of them."""
    from rtkit_faces import enrolment, folders

    folder = folders.chosen(people)
    left = enrolment.forget(folder, name).people
    print(f"{name} is forgotten; {folder} holds {', '.join(left.names) or 'nobody'}")
