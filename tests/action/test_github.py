"""The comment, the changed files and the base branch's files, against a GitHub server of the tests' own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from action.github import GitHub, GitHubError, PostedComment, decoded
from tests.action.fake_github import BOT, REPOSITORY, TOKEN, FakeGitHub, Fault, running_github

MARKER = "<!-- cqtui:comment key=default -->"
NUMBER = 7


def posted(comment: PostedComment | None) -> PostedComment:
    """The comment, which has to be there."""
    assert comment is not None
    return comment


@pytest.fixture
def fake() -> Iterator[FakeGitHub]:
    with running_github() as server:
        yield server


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def github(fake: FakeGitHub, waits: list[float]) -> Iterator[GitHub]:
    client = GitHub(fake.url, REPOSITORY, TOKEN, sleep=waits.append)
    yield client
    client.close()


def test_the_first_post_creates_and_the_next_one_edits_the_same_comment(fake: FakeGitHub, github: GitHub) -> None:
    first = posted(github.post(NUMBER, f"{MARKER}\none", MARKER))
    second = posted(github.post(NUMBER, f"{MARKER}\ntwo", MARKER))
    assert (first.how, second.how) == ("created", "updated")
    assert second.id == first.id
    assert [comment["body"] for comment in fake.ours] == [f"{MARKER}\ntwo"]
    assert fake.tokens == {f"Bearer {TOKEN}"}


def test_ours_is_found_among_130_comments_on_two_pages(fake: FakeGitHub, github: GitHub) -> None:
    for number in range(120):
        fake.add_comment(f"comment {number}")
    ours = fake.add_comment(f"{MARKER}\r\nold", BOT)  # as a browser would have sent it
    for number in range(9):
        fake.add_comment(f"later {number}")
    assert len(fake.comments) == 130
    assert posted(github.post(NUMBER, f"{MARKER}\nnew", MARKER)).id == ours
    assert len(fake.comments) == 130
    pages = [path for method, path in fake.requests if "comments?" in path]
    assert [path.partition("page=")[2].partition("page=")[2] for path in pages] == ["1", "2"]


def test_a_comment_of_somebody_else_with_our_marker_is_left_alone(fake: FakeGitHub, github: GitHub) -> None:
    fake.add_comment(f"{MARKER}\nforged", "mallory")
    fake.add_comment(f"> {MARKER}\nquoted", BOT)
    assert posted(github.post(NUMBER, f"{MARKER}\nours", MARKER)).how == "created"
    assert fake.comments[0]["body"].endswith("forged")


def test_another_key_is_another_comment(fake: FakeGitHub, github: GitHub) -> None:
    other = MARKER.replace("default", "nightly")
    github.post(NUMBER, f"{MARKER}\na", MARKER)
    github.post(NUMBER, f"{other}\nb", other)
    assert len(fake.ours) == 2


@pytest.mark.parametrize("status", [403, 404])
def test_a_comment_that_cannot_be_edited_is_created_again(fake: FakeGitHub, github: GitHub, status: int) -> None:
    ours = fake.add_comment(f"{MARKER}\nold", BOT)
    fake.faults.append(Fault("PATCH", f"/comments/{ours}", status))
    assert posted(github.post(NUMBER, f"{MARKER}\nnew", MARKER)).how == "created"


@pytest.mark.parametrize("status", [403, 422])
def test_a_refusal_keeps_its_status_and_its_words(fake: FakeGitHub, github: GitHub, status: int) -> None:
    fake.faults.append(Fault("POST", "/comments", status, message="Resource not accessible\nby integration"))
    with pytest.raises(GitHubError, match=f"{status}: Resource not accessible by integration") as refused:
        github.post(NUMBER, f"{MARKER}\nx", MARKER)
    assert refused.value.status == status


def test_a_secondary_rate_limit_is_waited_out_as_long_as_it_asks(
    fake: FakeGitHub, github: GitHub, waits: list[float]
) -> None:
    fake.faults.append(Fault("POST", "/comments", 403, times=2, headers={"retry-after": "17"}))
    assert posted(github.post(NUMBER, f"{MARKER}\nx", MARKER)).how == "created"
    assert waits == [17.0, 17.0]


def test_a_limit_that_does_not_end_is_given_up(fake: FakeGitHub, github: GitHub, waits: list[float]) -> None:
    fake.faults.append(Fault("POST", "/comments", 429, times=99, headers={"retry-after": "3600"}))
    with pytest.raises(GitHubError, match="429"):
        github.post(NUMBER, f"{MARKER}\nx", MARKER)
    assert waits == [60.0, 60.0, 60.0]


def test_a_plain_403_is_no_rate_limit(fake: FakeGitHub, github: GitHub, waits: list[float]) -> None:
    fake.faults.append(Fault("POST", "/comments", 403))
    with pytest.raises(GitHubError):
        github.post(NUMBER, f"{MARKER}\nx", MARKER)
    assert waits == []


def test_an_enterprise_server_has_its_own_address() -> None:
    with running_github("/api/v3") as fake:
        github = GitHub(fake.url, REPOSITORY, TOKEN)
        assert posted(github.post(NUMBER, f"{MARKER}\nx", MARKER)).how == "created"
        github.close()
    assert all(path.startswith("/api/v3/") for _, path in fake.requests)


def test_changed_files_go_over_all_pages_and_know_old_names(fake: FakeGitHub, github: GitHub) -> None:
    fake.changed = [{"filename": f"src/{number}.py"} for number in range(104)]
    fake.changed.append({"filename": "logs/new.jsonl", "previous_filename": "logs/old.jsonl"})
    names = github.changed_files(NUMBER)
    assert len(names) == 106
    assert {"logs/new.jsonl", "logs/old.jsonl"} <= set(names)


def test_files_of_the_base_branch_come_byte_for_byte(fake: FakeGitHub, github: GitHub) -> None:
    fake.files["sub/cqtui.toml", "base"] = b"\xef\xbb\xbfa = 1\r\n"
    fake.files["sub/templates/a.j2", "base"] = b"A"
    fake.files["sub/templates/b.j2", "base"] = b"B"
    content = github.file_at("sub/cqtui.toml", "base")
    assert content == b"\xef\xbb\xbfa = 1\r\n"
    assert decoded(content) == "a = 1\n"
    assert github.file_at("sub/cqtui.toml", "head") is None
    assert github.folder_at("sub/templates", "base") == {"a.j2": b"A", "b.j2": b"B"}
    assert github.folder_at("sub/none", "base") == {}


def test_a_fork_s_pull_request_is_found_by_its_branch_and_commit(fake: FakeGitHub, github: GitHub) -> None:
    fake.pulls = [{"number": 3, "branch": "fork:new", "head": {"sha": "abc"}}]
    assert github.pull_request_of("fork:new", "abc") == 3
    assert github.pull_request_of("fork:new", "moved-on") is None
    assert github.pull_request_of("other:new", "abc") is None


def test_a_comment_may_be_brought_up_to_date_and_not_created(fake: FakeGitHub, github: GitHub) -> None:
    assert github.post(NUMBER, f"{MARKER}\nx", MARKER, only_update=True) is None
    assert fake.comments == []
    fake.add_comment(f"{MARKER}\nold", BOT)
    assert posted(github.post(NUMBER, f"{MARKER}\nx", MARKER, only_update=True)).how == "updated"


def test_nobody_there_is_one_clear_error() -> None:
    github = GitHub("http://127.0.0.1:9", REPOSITORY, TOKEN, sleep=lambda _: None)
    with pytest.raises(GitHubError, match="GitHub cannot be reached"):
        github.changed_files(NUMBER)
    github.close()
