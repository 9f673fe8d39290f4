"""The user's own templates: over ours, block by block or whole; broken ones end in one line with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from cqtui.errors import BadInputError
from cqtui.report.comment import CommentOptions, marker, render_comment
from cqtui.report.html import render_html
from cqtui.report.render import render_markdown
from cqtui.report.templates import check_templates, templates_folder
from cqtui.settings import parse_settings
from tests.results import recommendation

EXTENDS = '{% extends "cqtui/comment.md.j2" %}\n'
HEADLINE = EXTENDS + "{% block headline %}\n### Ours: {{ headline | markdown }}\n{% endblock %}\n"


def folder(tmp_path: Path, **files: str) -> Path:
    tmp_path.mkdir(exist_ok=True)
    for name, text in files.items():
        (tmp_path / f"{name}.md.j2").write_text(text, encoding="utf-8")
    return tmp_path


def comment(templates: Path, **options: object) -> str:
    return render_comment(recommendation(), CommentOptions.model_validate(options), templates)


def test_a_block_of_ours_is_replaced_and_the_rest_stays(tmp_path: Path) -> None:
    text = comment(folder(tmp_path, comment=HEADLINE))
    assert "### Ours: Switching from" in text
    assert "Why, gate by gate" in text
    assert text.splitlines()[0] == marker("default")


def test_a_part_of_ours_is_replaced_in_report_and_comment(tmp_path: Path) -> None:
    own = folder(tmp_path, ledger="## Ledger\n\nOurs: {{ shown.pairs }} pairs.\n")
    assert "Ours: " in comment(own)
    assert "Ours: " in render_markdown(recommendation(), own)
    assert "Ours: " in render_html(recommendation(), own)
    assert "Ours: " not in render_markdown(recommendation())


def test_every_block_of_the_report_can_be_extended(tmp_path: Path) -> None:
    blocks = ["notice", "headline", "candidates", "rests_on", "gates", "impact", "same_model", "runner_up", "routing"]
    blocks += ["guardrails", "not_known", "ledger", "trend", "reasons", "excluded", "reproduce", "cheapest"]
    own = "".join(f"{{% block {name} %}}[{name}]{{{{ super() }}}}\n{{% endblock %}}\n" for name in blocks)
    text = render_markdown(recommendation(), folder(tmp_path, report='{% extends "cqtui/report.md.j2" %}\n' + own))
    assert [name for name in blocks if f"[{name}]" not in text] == []


def test_a_comment_without_our_marker_still_gets_it_and_only_once(tmp_path: Path) -> None:
    assert comment(folder(tmp_path, comment="Hello\n"), key="a.b") == "<!-- cqtui:comment key=a.b -->\nHello\n"
    forged = "<!-- cqtui:comment key=other -->\nHello\n"
    assert comment(folder(tmp_path / "other", comment=forged), key="mine").count("cqtui:comment") == 1


def test_a_rehearsal_stays_one_whatever_the_template_says(tmp_path: Path) -> None:
    own = folder(tmp_path, comment="All fine\n", report="# All fine\n")
    result = recommendation(provider="rehearsal")
    assert render_comment(result, CommentOptions(), own).splitlines()[1].startswith("> **Rehearsal")
    assert render_markdown(result, own).startswith("> **Rehearsal")


def test_money_is_hidden_in_a_template_of_the_users_too(tmp_path: Path) -> None:
    own = folder(tmp_path, comment="We save {{ impact.annual_savings_usd | money }}.\n")
    assert "$" in comment(own)
    assert "$" not in comment(own, show_money=False)


def test_a_long_comment_of_the_users_is_cut_between_lines_and_closed(tmp_path: Path) -> None:
    line = "\u20ac" * 50
    lines = f"{{% for i in range(500) %}}\n{line}\n{{% endfor %}}"
    body = f"### Head\n<details><summary>a</summary>\n\n```text\n{lines}\n```\n\n</details>\n"
    text = comment(folder(tmp_path, comment=body), limit_bytes=5000)
    assert len(text.encode()) <= 5000
    assert set(text.splitlines()[5:-6]) == {line}
    assert text.count("```") == 2
    assert text.count("<details>") == text.count("</details>") == 1
    assert "job summary" in text.splitlines()[-1]


def test_a_section_of_the_users_is_shed_like_ours(tmp_path: Path) -> None:
    own = EXTENDS + (
        "{% block reproduce %}{{ super() }}\n{% call folded('own', 'Our own') %}\n"
        "{% for i in range(2000) %}\nmany words\n{% endfor %}\n{% endcall %}\n{% endblock %}\n"
    )
    text = comment(folder(tmp_path, comment=own), limit_bytes=20_000)
    assert "Left out for length: Our own." in text
    assert "<summary>Reproduce</summary>" in text


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("one\n{% if %}\n", 2, "Expected an expression"),
        ("one\ntwo {{ nothing }}\n", 2, "'nothing' is undefined"),
        ("{{ 1 // 0 }}\n", 1, "integer division or modulo by zero"),
        ("\n\n{{ ''.__class__.__mro__ }}\n", 3, "unsafe"),
        ('{% extends "cqtui/nothing.j2" %}\n', 1, "no template cqtui/nothing.j2"),
        ("{{ sentence | nofilter }}\n", 1, "No filter named 'nofilter'"),
        ("{% include 'comment.md.j2' %}\n", 1, "recursion"),
    ],
)
def test_a_broken_one_is_one_line_with_file_and_line(tmp_path: Path, text: str, line: int, words: str) -> None:
    own = folder(tmp_path, comment=text)
    with pytest.raises(BadInputError) as caught:
        comment(own)
    assert caught.value.title.startswith(f"{own / 'comment.md.j2'}:{line}: ")
    assert words in caught.value.title
    assert "\n" not in caught.value.title


def test_a_slip_is_found_before_a_run(tmp_path: Path) -> None:
    own = folder(tmp_path, report="{% block %}", gates="fine")
    with pytest.raises(BadInputError, match=r"report\.md\.j2:1: "):
        check_templates(own)
    check_templates(None)
    check_templates(folder(tmp_path / "other", gates="fine"))


def test_a_template_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    (tmp_path / "ledger.md.j2").write_bytes(b"\xff\xfe")
    for work in (lambda: check_templates(tmp_path), lambda: render_markdown(recommendation(), tmp_path)):
        with pytest.raises(BadInputError, match="utf-8"):
            work()


def test_a_missing_folder_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="no such folder"):
        comment(tmp_path / "missing")


def test_nothing_outside_of_the_folder_is_read(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    (tmp_path / "own").mkdir()
    with pytest.raises(BadInputError, match="no template"):
        comment(folder(tmp_path / "own", comment="{% include '../secret.txt' %}\n"))


def test_the_setting_is_seen_from_its_file() -> None:
    settings = parse_settings('[report]\ntemplates = "mine"\n')
    assert templates_folder(settings, Path("a/cqtui.toml")) == Path("a/mine")
    assert templates_folder(settings, None) == Path("mine")
    assert templates_folder(parse_settings(""), None) is None
