"""Whether and where traces are sent."""

import sys
from collections.abc import Mapping

import pytest

from devtools.otlp_collector import otlp_collector
from devtools.world import RecordingJournal
from editqueue.domain.errors import SetupError
from editqueue.settings import Settings, load_settings
from editqueue.settings.wording import WrongSettings
from editqueue.wiring.traces import look_at_traces, open_traces, shown_endpoint

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
LOCAL = {ENDPOINT: "http://127.0.0.1:4318"}


def settings(patch: pytest.MonkeyPatch, given: Mapping[str, str]) -> Settings:
    for name, value in given.items():
        patch.setenv(name, value)
    return load_settings()


@pytest.mark.parametrize(
    ("given", "endpoint"),
    [
        ({}, None),
        ({ENDPOINT: ""}, None),
        (LOCAL, "http://127.0.0.1:4318/v1/traces"),
        ({ENDPOINT: "https://collector/otlp/"}, "https://collector/otlp/v1/traces"),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector/x"}, "http://collector/x"),
        (LOCAL | {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector/x"}, "http://collector/x"),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, "http://localhost:4318/v1/traces"),
        (LOCAL | {"OTEL_TRACES_EXPORTER": "none"}, None),
        (LOCAL | {"OTEL_SDK_DISABLED": "true"}, None),
        (LOCAL | {"OTEL_SDK_DISABLED": "TRUE", "OTEL_TRACES_EXPORTER": "zipkin"}, None),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_TRACES_EXPORTER": "none"}, None),
    ],
)
def test_traces_go_where_the_usual_variables_say(
    monkeypatch: pytest.MonkeyPatch, given: Mapping[str, str], endpoint: str | None
) -> None:
    assert settings(monkeypatch, given).traces_endpoint == endpoint


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({ENDPOINT: "collector:4317"}, "must be a URL, for example OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318"),
        (LOCAL | {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "OTEL_EXPORTER_OTLP_PROTOCOL=grpc: must be http/protobuf"),
        (
            LOCAL | {"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/json"},
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/json: must be http/protobuf",
        ),
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, "OTEL_TRACES_EXPORTER=zipkin: must be one of otlp, none"),
    ],
)
def test_what_cannot_be_done_is_refused_at_the_start(
    monkeypatch: pytest.MonkeyPatch, given: Mapping[str, str], said: str
) -> None:
    with pytest.raises(WrongSettings) as refused:
        settings(monkeypatch, given)

    assert said in str(refused.value)


def test_off_nothing_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    with open_traces(settings(monkeypatch, {}), RecordingJournal()) as tracing:
        assert tracing is None


@pytest.mark.parametrize("given", [LOCAL, {"OTEL_TRACES_EXPORTER": "otlp"}])
async def test_without_the_extra_the_start_is_refused_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch, given: Mapping[str, str]
) -> None:
    monkeypatch.delitem(sys.modules, "editqueue.adapters.journal.tracing", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    asked = settings(monkeypatch, given)

    with pytest.raises(SetupError) as refused, open_traces(asked, RecordingJournal()):
        pass
    with pytest.raises(SetupError):
        await look_at_traces(asked)

    assert str(refused.value).startswith(f"{next(iter(given))} asks for traces")
    assert "pip install 'editqueue[otel]'" in str(refused.value)


def test_variables_that_the_sdk_cannot_work_by_are_an_error_of_the_setup(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = settings(monkeypatch, LOCAL | {"OTEL_BSP_MAX_QUEUE_SIZE": "1"})

    with pytest.raises(SetupError, match="OTEL_"), open_traces(asked, RecordingJournal()):
        pass


async def test_a_look_asks_the_collector_and_nobody_where_traces_are_off(monkeypatch: pytest.MonkeyPatch) -> None:
    with otlp_collector() as collector:
        asked = settings(monkeypatch, {ENDPOINT: collector.url})
        assert await look_at_traces(asked) is None
        assert collector.requests == 1
        assert await look_at_traces(settings(monkeypatch, {"OTEL_SDK_DISABLED": "true"})) is None
        assert collector.requests == 1


def test_an_endpoint_is_shown_without_its_password() -> None:
    secret = "https://anna:secret@collector:4318/v1/traces?api-key=secret"
    assert shown_endpoint(secret) == "https://collector:4318/v1/traces"
