"""Results out of files: one's own, and those that somebody else's workflow computed."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from cqtui.errors import BadInputError
from cqtui.report.evidence import evidence_kind
from cqtui.results import Evidence, Gate, Recommendation

LARGEST = 5_000_000  # bytes
FOREIGN = (
    "These figures were computed by a workflow without this repository's secrets, from a contributor's branch: they "
    "are shown as data, and nothing of them is verified here."
)


def read_result(path: Path) -> Recommendation:
    """A result as ``cqtui optimize --result-file`` writes it.

    Raises:
        BadInputError: There is none, it is too large, or it has another shape.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise BadInputError(f"{path}: larger than {LARGEST // 1_000_000} MB.", "A result has a few kilobytes.")
        return Recommendation.model_validate_json(path.read_bytes())
    except OSError as error:
        raise BadInputError(f"{path}: {error.strerror}.", "Make one with cqtui optimize --result-file.") from None
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise BadInputError(f"{path}: not a result of this version of cqtui ({where}).", "Run it again.") from None


def as_foreign(result: Recommendation) -> Recommendation:
    """The same as a stranger's data: never verified, never measured, with a note that says so and none of its own."""
    unproven = Gate(name="computed here", asked="by this repository", found="elsewhere", passed=False, level="verified")

    def doubted(evidence: Evidence | None) -> Evidence | None:
        return None if evidence is None else evidence.model_copy(update={"gates": (*evidence.gates, unproven)})

    return result.model_copy(
        update={
            "grade": "leaning" if result.grade == "verified" else result.grade,
            "provider": "recorded" if evidence_kind(result.provider) == "measured" else result.provider,
            "notes": (FOREIGN,),
            "evidence": tuple(doubted(each) for each in result.evidence),
            "recommended": doubted(result.recommended),
            "closest": doubted(result.closest),
            "runner_up": doubted(result.runner_up),
        }
    )
