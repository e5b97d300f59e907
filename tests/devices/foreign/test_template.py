"""Templates give the values that devices mean, and can do nothing else."""

import pytest

from devices.foreign.paths import pick, steps
from devices.foreign.template import Message, fill, render

MESSAGE = Message(
    '{"a": {"b": 2}, "list": ["x", 1.256], "s": "ON", "none": null, "k y": true, "deg": "21.55"}'
)


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{{ value_json.a.b }}", "2"),
        ("{{ value_json['k y'] }}", "True"),
        ("{{ value_json.list[1] | round(1) }}", "1.3"),
        ("{{ value_json.deg | float | round(0) }}", "22"),
        ("{{ value_json.absent | default(3) }}", "3"),
        ("{{ value_json.absent }}", ""),
        ("{{ 'on' if value_json.s == 'ON' else 'off' }}", "on"),
        ("{% if value_json.s == 'ON' %}1{% else %}0{% endif %}", "1"),
        ("{{ iif(value_json.a.b > 1, 'y', 'n') }}", "y"),
        ("{{ (value_json.a.b * 1.8 + 32) | round(1) }}", "35.6"),
        ("{{ {'ON': 'open', 'OFF': 'closed'}[value_json.s] }}", "open"),
        ("{% set x = value_json.list %}{{ x[0] ~ '-' ~ x[-1] }}", "x-1.256"),
        ("{{ value_json.s.lower() }}", "on"),
        ("{{ value_json.s is defined and value_json.s in ['ON'] }}", "True"),
        ("{{ value_json.a.get('z', 5) }}", "5"),
        ("{{ value_json.s[0:1] }}", "O"),
        ("{{ 'none' if value_json.none is none }}", "none"),
    ],
)
def test_a_common_template_has_its_value(template: str, value: str):
    assert render(template, MESSAGE) == value


@pytest.mark.parametrize(
    "template",
    [
        "{{ value_json.absent.deeper }}",
        "{{ value_json.absent | is_defined }}",
        "{{ value_json.s | float }}",
        "{{ 1 / 0 }}",
        "{{ broken",
        "{{ unknown_function(1) }}",
        "{{ value | no_such_filter }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ value_json.s.format('x') }}",
        "{{ 'a' * 99999999 }}",
        "{{ 9 ** 9 ** 9 ** 9 }}",
        "{% for a in range(9999999) %}x{% endfor %}",
        "{% include '/etc/passwd' %}",
        "{{" + "(" * 3000 + "1" + ")" * 3000 + "}}",
        "{% set a = 'xxxxxxxxxx' %}" + "{% set a = a + a %}" * 30 + "{{ a }}",
        "{% set a = 'xxxxxxxxxx' %}" + "{% set a = a ~ a %}" * 30 + "{{ a }}",
        "{% set a = 9 %}" + "{% set a = a * a %}" * 40 + "{{ a }}",
        "{% set a = ['x'] %}" + "{% set a = [a, a] %}" * 40 + "{{ a }}",
        "{{ 'x' * 5 }}" * 5000,
    ],
)
def test_a_template_that_fails_or_runs_away_has_no_value(template: str):
    assert render(template, MESSAGE) is None


def test_a_payload_that_is_no_json_has_no_parts():
    assert render("{{ value_json.a }}", Message("offline")) is None
    assert render("{{ value | float(0) }}", Message("n/a")) == "0"
    assert render("", Message(" ON\n")) == "ON"


def test_a_command_is_filled_in():
    assert fill('{ "position": {{ position }} }', 42) == '{ "position": 42 }'
    assert fill("{{ (value * 2.55) | int }}", 50) == "127"
    assert fill("{{ value.secret.thing }}", 1) is None


def test_a_path_leads_to_a_value():
    document = {"params": {"temperature:0": {"tC": 19.8}}, "list": [1, {"a key": 2}]}
    assert pick(document, "params.temperature:0.tC") == 19.8
    assert pick(document, '$.list[1]."a key"') == 2
    assert not pick(document, "list[7]")
    assert steps("a[") is None
