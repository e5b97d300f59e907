"""`devices topics`: what a device is read from besides its own topics, and may use of others."""

from collections.abc import Mapping as Fields
from typing import Any

import click
import orjson

import wiring
from cli.acting import acting_for, as_option, device_argument, json_option
from cli.groups import Group
from clock import utcnow
from db.models import Mapping
from devices import inventory, mappings
from devices.foreign.entities import Source
from devices.foreign.reader import Said

topics = Group("topics", help="Look after topics that were not made for Gatehouse.")

mapping_argument = click.argument("mapping")
path_option = click.option("--path", help="In the JSON message, or a template; empty: all of it.")
unit_option = click.option("--unit")
scale_option = click.option("--scale", type=float, help="Numbers are multiplied by it,")
offset_option = click.option("--offset", type=float, help="then this is added.")
kind_option = click.option("--kind", type=click.Choice(["number", "state", "text"]))


@topics.command("list")
@device_argument
@json_option
def list_all(device: str, as_json: bool) -> None:
    """List the topics that a device is read from, and the branches that it may use."""
    found = inventory.find(device)
    shown = [_shown(one) for one in mappings.of(found)]
    if as_json:
        told = {"mappings": shown, "branches": found.topic_trees}
        click.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2))
        return
    for one in shown:
        announced = "announced" if one["announced"] else "by hand"
        path = f" {one['path']}" if one["path"] else ""
        click.echo(f"{one['id']}  {one['topic']}{path} -> {one['sensor']} {one['unit']}".rstrip())
        click.echo(f"    {announced}, x {one['scale']:g} + {one['offset']:g}")
    for branch in found.topic_trees:
        click.echo(f"branch  {branch}")


@topics.command()
@device_argument
@click.argument("topic")
@click.argument("sensor")
@as_option
@path_option
@unit_option
@scale_option
@offset_option
@kind_option
@click.option("--try", "payload", help="Add nothing; print what this message would come to.")
def add(
    device: str, topic: str, sensor: str, acting: str | None, payload: str | None, **given: Any
) -> None:
    """Read SENSOR of a device from TOPIC, from now on."""
    parts = wiring.current()
    found = inventory.find(device)
    wanted = {name: value for name, value in given.items() if value is not None}
    source = Source(topic, wanted.pop("path", ""), sensor, **wanted)
    if payload is not None:
        _print(mappings.tried([source], topic, payload))
        return
    made = mappings.add(
        found,
        source,
        by=acting_for(found, acting),
        now=utcnow(),
        namespace=parts.settings.mqtt_namespace,
        bus=parts.bus,
    )
    click.echo(made.public_id)


@topics.command()
@device_argument
@mapping_argument
@as_option
@click.option("--topic")
@click.option("--sensor")
@path_option
@unit_option
@scale_option
@offset_option
@kind_option
def change(device: str, mapping: str, acting: str | None, **given: Any) -> None:
    """Change a mapping that somebody made by hand; what is left out stays."""
    parts = wiring.current()
    found = inventory.find(device)
    changed = mappings.change(
        found,
        mapping,
        {name: value for name, value in given.items() if value is not None},
        by=acting_for(found, acting),
        now=utcnow(),
        namespace=parts.settings.mqtt_namespace,
        bus=parts.bus,
    )
    click.echo(f"{mapping} is changed" if changed else f"{mapping} was so already")


@topics.command()
@device_argument
@mapping_argument
@as_option
def remove(device: str, mapping: str, acting: str | None) -> None:
    """Read a topic no longer; what was read stays."""
    found = inventory.find(device)
    by = acting_for(found, acting)
    mappings.remove(found, mapping, by=by, now=utcnow(), bus=wiring.current().bus)
    click.echo(f"{mapping} is removed")


@topics.command("try")
@device_argument
@click.argument("topic")
@click.argument("payload")
def try_out(device: str, topic: str, payload: str) -> None:
    """Print what PAYLOAD on TOPIC would come to for a device; nothing is stored."""
    sources = [mappings.source_of(one) for one in mappings.of(inventory.find(device))]
    _print(mappings.tried(sources, topic, payload))


@topics.command()
@device_argument
@click.argument("given", nargs=-1)
@as_option
@click.option("--none", "none", is_flag=True, help="Take all branches away.")
def branches(device: str, given: tuple[str, ...], acting: str | None, none: bool) -> None:
    """Let a device use these whole branches of the topic tree; an administrator has to act."""
    parts = wiring.current()
    found = inventory.find(device)
    if given or none:
        mappings.give_trees(
            found,
            given,
            by=acting_for(found, acting),
            now=utcnow(),
            broker=parts.broker,
            namespace=parts.settings.mqtt_namespace,
        )
    for branch in found.topic_trees:
        click.echo(branch)


def _shown(mapping: Mapping) -> Fields[str, Any]:
    return {
        "id": mapping.public_id,
        "topic": mapping.topic,
        "path": mapping.template,
        "sensor": mapping.sensor,
        "kind": mapping.kind,
        "unit": mapping.unit,
        "scale": mapping.scale,
        "offset": mapping.offset,
        "announced": mapping.announced,
    }


def _print(said: Said) -> None:
    """Print what a message came to; one that says nothing ends with exit code 1."""
    for one in said.values:
        click.echo(f"{one.source.sensor} = {one.value} {one.source.unit}".rstrip())
    for refused in said.unusable:
        click.echo(f"refused: {refused.reason}: {refused.sample}", err=True)
    if not said.values:
        click.echo("no value", err=True)
        raise SystemExit(1)
