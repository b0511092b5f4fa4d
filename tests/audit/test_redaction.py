from __future__ import annotations

import logging
import time
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from audit.redaction import MASK, RedactingFilter, clean, clean_entry, clean_text, one_line, redact

SECRET = "sUp3r-S3cret_value.x"


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {SECRET}",
        f"authorization: bearer {SECRET}",
        f"{{'Authorization': 'Bearer {SECRET}'}}",
        f"[('authorization', 'Basic {SECRET}')]",
        f"[(b'authorization', b'{SECRET}')]",
        f'{{"access_token": "{SECRET}", "x": 1}}',
        f'{{"outer": "{{\\"access_token\\":\\"{SECRET}\\"}}"}}',
        f"grant_type=client_credentials&client_id=x&client_secret={SECRET}&scope=a",
        f"GET /oidc/callback?state=x&code={SECRET} HTTP/1.1",
        f"Cookie: other=1; sid={SECRET}; last=2",
        f"seen __Host-portal={SECRET} twice",
        f'"cookie": "a=1; portal={SECRET}"',
        f"set-cookie: {SECRET}",
        f"https://user:{SECRET}@git.example/repo.git",
        f"refresh_token={SECRET}",
        f"password={SECRET}",
        f"X-Api-Key: {SECRET}",
        "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.sUp3r-S3cret_value",
        f"whsec_{SECRET}".replace(".", "A"),
        f'{{"clientSecret": "{SECRET}"}}',
        f'{{"webhook_secret":"{SECRET}"}}',
        f'{{"password": "with words {SECRET} and \\" quotes sUp3r"}}',
        f'{{"password": ["{SECRET}", "sUp3r"]}}',
        f'{{"token": {{"value": "{SECRET}"}}}}',
        f'{{"userPassword" : "{SECRET}',
        f"clientSecret={SECRET}&x=1",
        f"q=password%3D{SECRET}",
        f"<soap:password type='x'>{SECRET}</soap:password>",
        f"<clientSecret>{SECRET}</clientSecret>",
        "-----BEGIN RSA PRIVATE KEY-----\nsUp3r\nS3cret\n-----END RSA PRIVATE KEY-----",
    ],
)
def test_a_credential_in_any_shape_is_masked(text: str) -> None:
    assert "sUp3r" not in redact(text)
    assert MASK in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "the status code is 422",
        "GET /api/v2/users?pageSize=25",
        "tokens: 3 live",
        "token:issued",
        "no token, try again",
        "secret: env",
        "https://api.example:8443/v2",
        "integration:read",
        "2026-11-21",
        '{"nextPageToken": "abcdef", "tokenType": "Bearer", "passwordPolicy": "strict"}',
        "<description>the password is set elsewhere</description>",
        "order 4111111111111112",
        "sent at 1764100000000 and 1764100000001",
        "card 1234 5678 9012 3456",
        "000-12-3456 666-12-3456 912-12-3456 123-00-4567",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize("number", ["4111111111111111", "4111 1111 1111 1111", "5500-0000-0000-0004", "378282246310005", "078-05-1120"])
def test_numbers_of_cards_and_people_are_masked(number: str) -> None:
    assert redact(f'{{"note": "pays with {number} today"}}') == f'{{"note": "pays with {MASK} today"}}'


@pytest.mark.parametrize("unit", ["4111", "4 ", '{"secret":"', "<secret", "1", "a", "a.", "eyJaaaaaaaa.", "token=", "bearer ", "://a:"])
def test_four_times_the_text_takes_about_four_times_as_long(unit: str) -> None:
    def seconds(size: int) -> float:
        text = unit * (size // len(unit))
        started = time.process_time()
        redact(text)
        return time.process_time() - started

    # Whatever backtracks takes sixteen times as long, or does not end. The smallest of three: others use the machine too.
    small = max(min(seconds(65_536) for _ in range(3)), 0.002)
    assert min(seconds(262_144) for _ in range(3)) < 9 * small


def test_a_text_is_one_line_and_holds_nothing_a_database_or_terminal_chokes_on() -> None:
    forged = "a\nINFO fake\r\x1b[31m\0\u2028\ud800é"
    assert one_line(forged) == "a\\nINFO fake\\r\\x1b[31m\\x00\\u2028\\ud800é"
    assert clean_text("x" * 600) == "x" * 499 + "…"


def test_a_secret_is_masked_before_the_text_is_cut() -> None:
    assert "sUp3r" not in clean_text("x" * 480 + f" access_token={SECRET}")


def test_data_is_bounded_in_depth_and_length() -> None:
    deep: Any = "end"
    for _ in range(50):
        deep = [deep]
    assert len(str(clean(deep))) < 1000
    assert len(clean(list(range(1000)))) == 50
    assert clean({"b", "a"}) == ["a", "b"]
    assert clean(float("nan")) == "nan"


PARTS = st.sampled_from(
    ["token", "=", ":", '"', "\n", " ", "bearer", "Cookie", "eyJabcdef.", "abcdefgh", "://", "@", "portal", "code", "?", "ß", "\ud800"]
)
TEXT = st.lists(PARTS | st.text(max_size=3), max_size=8).map("".join)


@given(
    st.dictionaries(st.sampled_from("abcd"), st.tuples(TEXT, st.integers(5, 40))),
    st.dictionaries(st.sampled_from("efgh"), TEXT | st.lists(TEXT)),
)
def test_an_entry_cleaned_at_once_is_each_of_its_texts_cleaned(texts: dict[str, tuple[str, int]], data: dict[str, Any]) -> None:
    expected = {name: clean_text(text, limit) for name, (text, limit) in texts.items()}
    assert clean_entry(texts, data) == (expected, {name: clean(value) for name, value in data.items()})


def _logged(record: logging.LogRecord) -> str:
    assert RedactingFilter().filter(record)
    return logging.Formatter("%(message)s").format(record)


def test_log_records_are_masked_in_message_arguments_and_traceback() -> None:
    try:
        raise ValueError(f"client_secret={SECRET}")
    except ValueError:
        import sys

        information = sys.exc_info()
    record = logging.LogRecord("x", logging.ERROR, "f", 1, "sent %s to %s", (f"Bearer {SECRET}", "there"), information)
    text = _logged(record)
    assert "sUp3r" not in text
    assert "to there" in text
    assert "Traceback" in text


def test_structured_events_are_masked_by_name_and_by_shape() -> None:
    event = {
        "event": "x",
        "password": SECRET,
        "headers": [("Authorization", f"Bearer {SECRET}")],
        "nested": {"token": SECRET},
        "code": "not_found",
    }
    record = logging.LogRecord("x", logging.INFO, "f", 1, event, (), None)
    RedactingFilter().filter(record)
    assert "sUp3r" not in str(record.msg)
    assert "not_found" in str(record.msg)


def test_the_configured_logs_mask_for_real(capsys: pytest.CaptureFixture[str]) -> None:
    import logging.config

    from django.conf import settings

    logging.config.dictConfig(settings.LOGGING)
    try:
        structlog.get_logger("portal.test").warning("sending", authorization=f"Bearer {SECRET}", url=f"https://u:{SECRET}@h/x")
        logging.getLogger("portal.test").warning("form %s", f"client_secret={SECRET}")
    finally:
        output = capsys.readouterr().err
        logging.getLogger().handlers.clear()
    assert output.count("\n") == 2
    assert "sUp3r" not in output
