"""Templates give the values that devices mean, and can do nothing else."""

import pytest

from devices.foreign.bounded import LONGEST
from devices.foreign.grammar import Parsed, unsupported
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
        ("{{ value_json.s if value_json.a.b == 2 else this.state }}", "ON"),
        ("{{ {'a': [1, {'b': 7}]}['a'][1]['b'] }}", "7"),
        ("{% set a, b = '2:30'.split(':') %}{{ a | int * 60 + b | int }}", "150"),
        ("{{ '\"x\"' | trim('\"') }}", "x"),
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
        "{% set a = {'x': 'x'} %}" + "{% set a = {'x': a, 'y': a} %}" * 40 + "{{ a }}",
        "{% set a, b = [1, 2, 3] %}{{ a }}",
        "{% set a, b = 5 %}{{ a }}",
        "{% set (a, (b, c)) = [1, [2, 3]] %}{{ a }}",
        "{{ this.state }}",
        "{{ 'x' * 5 }}" * 5000,
    ],
)
def test_a_template_that_fails_or_runs_away_has_no_value(template: str):
    assert render(template, MESSAGE) is None


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{{ 1700000000 | timestamp_custom('%H:%M', true) }}", "22:13"),
        ("{{ 1700000000 | timestamp_utc }}", "2023-11-14T22:13:20+00:00"),
        ("{{ as_timestamp('2024-01-02T03:04:05Z') | int }}", "1704164645"),
        (
            "{{ (strptime('03.02.2026', '%d.%m.%Y') + timedelta(days=1)).isoformat() }}",
            "2026-02-04T00:00:00+00:00",
        ),
        ("{{ ('2024-01-02' | as_datetime).year }}", "2024"),
        ("{{ now() > strptime('2020', '%Y') }}", "True"),
        ("{{ 'x' | as_timestamp(default=0) }}", "0"),
        ("{{ '%.2f' | format(value_json.list[1]) }}", "1.26"),
        ("{{ '%d %%' % 5 }}", "5 %"),
        ("{{ [1, 2, 6] | average }} {{ median(1, 5, 2) }}", "3.0 2.0"),
        ("{{ [3, 1, 3] | unique | sort | join(',') }}", "1,3"),
        ("{{ 2 | sqrt | round(3) }} {{ (pi * 2) | round(2) }}", "1.414 6.28"),
        ("{{ value_json.a.b is number and not value_json.s is is_number }}", "True"),
        ("{{ value_json.s.zfill(4) }}", "00ON"),
    ],
)
def test_a_template_counts_times_and_numbers(template: str, value: str):
    assert unsupported(template) is None
    assert render(template, MESSAGE) == value


@pytest.mark.parametrize(
    ("template", "what"),
    [
        ("{{ states('sensor.other') }}", "states"),
        ("{{ states.sensor.other.state }}", "states"),
        ("{{ this.state if value == '' else value }}", None),
        ("{{ states('sensor.a') if value == '' else value }}", "states"),
        ("{% for one in value_json %}{{ one }}{% endfor %}", "for"),
        ("{{ value | regex_replace('(a+)+', '') }}", "regex_replace"),
        ("{{ value.format(1) }}", "format"),
        ("{{ value is prime }}", "prime"),
        ("{% import 'x' as y %}", "import"),
        ("{{ value" + " " * 9000 + "}}", "length"),
        ("{{ value_json.a | float(0) if value_json is defined }}", None),
    ],
)
def test_what_a_template_cannot_have_is_named(template: str, what: str | None):
    assert unsupported(template) == what


@pytest.mark.parametrize(
    "template",
    [
        "{{ '%99999999d' | format(1) }}",
        "{{ '%*d' % [99999999, 1] }}",
        "{{ 'x'.zfill(99999999) }}",
        "{{ now().strftime('%99999999Y') }}",
        "{{ 1e300 | timestamp_custom('%Y') }}",
        "{{ timedelta(days=1e300) }}",
        "{{ now() + timedelta(days=9999999) }}",
        "{{ ['x'] | sum(start='') }}",
        "{{ 'x'.join(value_json) }}",
    ],
)
def test_times_and_formats_cannot_run_away_either(template: str):
    assert len(render(template, MESSAGE) or "") <= LONGEST


def test_templates_at_hand_are_bounded():
    kept = Parsed(10_000)
    for number in range(5000):
        kept(f"{{{{ value + {number} }}}}")
    assert kept("{{ value }}") is kept("{{ value }}")
    assert sum(map(len, kept._at_hand)) <= 10_000 + 30


def test_a_payload_that_is_no_json_has_no_parts():
    assert render("{{ value_json.a }}", Message("offline")) is None
    assert render("{{ value | float(0) }}", Message("n/a")) == "0"
    assert render("", Message(" ON\n")) == "ON"


def test_a_command_is_filled_in():
    assert fill('{ "position": {{ value }} }', 42) == '{ "position": 42 }'
    assert fill("{{ (value * 2.55) | int }}", 50) == "127"
    assert fill("{{ value.secret.thing }}", 1) is None


def test_a_path_leads_to_a_value():
    document = {"params": {"temperature:0": {"tC": 19.8}}, "list": [1, {"a key": 2}]}
    assert pick(document, "params.temperature:0.tC") == 19.8
    assert pick(document, '$.list[1]."a key"') == 2
    assert not pick(document, "list[7]")
    assert steps("a[") is None
