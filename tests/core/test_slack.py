"""What a receiver may answer, over a real socket: whatever it is, it is a value, and no part of the address is in it."""

import re
import socket
import threading

import pytest

from tasks import slack
from trader_core.model.alert import Alert, AlertKind, Severity

ALERT = Alert(AlertKind.TEST, Severity.INFO, "A test", "nothing happened", "test")
PATH = "services/T0SECRET/B0SECRET"


def answered(answer: bytes, path: str = PATH) -> slack.Sent:
    """Send an alert to a receiver that gives this answer and closes."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            found, _ = server.accept()
            with found:
                head = b""
                while b"\r\n\r\n" not in head:
                    head += found.recv(65_536)
                start, _, body = head.partition(b"\r\n\r\n")
                length = int(re.search(rb"(?i)content-length: ([0-9]+)", start)[1])  # type: ignore[index]
                while len(body) < length:
                    body += found.recv(65_536)
                found.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        return slack.send(f"http://127.0.0.1:{server.getsockname()[1]}/{path}", ALERT)


def http(status: str, body: str, *headers: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", body]).encode("latin-1")


def test_ok_is_delivered() -> None:
    assert answered(http("200 OK", "ok")) == slack.Sent()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"garbage\r\n\r\n", "BadStatusLine"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nok", "IncompleteRead"),
        (b"", "RemoteDisconnected"),
        (http("404 Not Found", "no_service"), "HTTP 404: no_service"),
        (http("404 Not Found", f"no such page: http://127.0.0.1/{PATH}/" + "x" * 200), "HTTP 404: no code of Slack's"),
    ],
    ids=["garbage", "short", "nothing", "code", "echo"],
)
def test_what_went_wrong_is_a_value_without_the_address(answer: bytes, said: str) -> None:
    found = answered(answer).error
    assert found == said
    assert "SECRET" not in found


@pytest.mark.parametrize(("wait", "after_ms"), [("7", 7_000), ("99999999", 3_600_000), ("9" * 30, 0), ("²", 0), ("soon", 0)])
def test_a_receiver_that_asks_to_wait_is_waited_for_within_reason(wait: str, after_ms: int) -> None:
    assert answered(http("429 Too Many Requests", "rate_limited", f"Retry-After: {wait}")).after_ms == after_ms


def test_an_address_that_is_none_is_a_value_too_and_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    found = slack.send(f"http://127.0.0.1:9/{PATH} x", ALERT)
    assert found.error == "InvalidURL"
    assert "SECRET" not in caplog.text
