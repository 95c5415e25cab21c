"""Are logs and metrics what machines and people read?"""

import io
import json

import pytest
import structlog

from ouranos.kit import log, metrics

pytestmark = pytest.mark.usefixtures("log_as_before")


def test_a_log_for_machines_is_json() -> None:
    stream = io.StringIO()
    log.configure("info", stream=stream)
    with structlog.contextvars.bound_contextvars(name="keystone"):
        log.get(component="x").info("Creating a database", database="nova")
        log.get().debug("Hidden")
    line = json.loads(stream.getvalue())
    assert line["event"] == "Creating a database"
    assert (line["name"], line["component"], line["database"]) == ("keystone", "x", "nova")
    assert line["timestamp"].endswith("Z")


def test_a_log_for_people_is_plain() -> None:
    stream = io.StringIO()
    log.configure("debug", json=False, stream=stream)
    log.get().debug("Looking around")
    assert "Looking around" in stream.getvalue()
    assert not stream.getvalue().startswith("{")


def test_metrics_are_rendered() -> None:
    counter = metrics.Counter("test_total", "Counted.", ("kind", "result"))
    counter.add("Pod", 'a"b\n')
    counter.add("Pod", 'a"b\n', amount=2)
    gauge = metrics.Gauge("test_depth", "Deep.", ())
    gauge.set(to=4)
    histogram = metrics.Histogram("test_seconds", "Long.", ("kind",), bounds=(0.1, 1))
    for value in (0.05, 0.5, 0.1, 7):
        histogram.observe("Pod", value=value)
    text = metrics.render()
    assert 'test_total{kind="Pod",result="a\\"b\\n"} 3' in text
    assert "test_depth 4" in text
    assert "# TYPE test_seconds histogram" in text
    assert 'test_seconds_bucket{kind="Pod",le="0.1"} 2' in text
    assert 'test_seconds_bucket{kind="Pod",le="+Inf"} 4' in text
    assert 'test_seconds_count{kind="Pod"} 4' in text
    assert counter.value("Node", "x") == 0
    assert histogram.count("Pod") == 4
    assert histogram.quantile(0.5, "Pod") == 0.1
    assert histogram.quantile(0.75, "Pod") == 1
    assert histogram.quantile(0.99, "Pod") == float("inf")
    assert histogram.quantile(0.5, "Node") == 0.0
