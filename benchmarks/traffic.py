"""The calls that every contender of ``replay.py`` makes, and the answers that ``stub.py`` gives to them.

Pure and free of imports that cost anything, since the measuring process, its contenders and the stub all load it.
"""

from __future__ import annotations

from typing import Any

MODELS = ("stub-small", "stub-medium")
CURRENT_MODEL = "stub-large"
MAX_TOKENS = 512
LATENCY_S = 0.05


def prompt(number: int) -> str:
    """What the user asks in call ``number``: about 400 characters, as in the bundled example log."""
    crates, price, days = 2 + number % 37, 3 + number % 23, 1 + number % 9
    return (
        f"Order {number} holds {crates} crates at {price} dollars each. The customer paid in full and now asks when "
        f"the crates will arrive, what the whole order costs and whether the free return label still applies after "
        f"{days} days. The warehouse ships every working day before noon, and returns are free within thirty days of "
        f"delivery. Answer the customer in two or three friendly sentences, and name the total of order {number}."
    )


def answer_to(question: str) -> str:
    """What every model says to a question, the logged one too: about 300 characters, so that all scores are equal."""
    order = question.split(" ", 2)[1] if question.startswith("Order ") else "unknown"
    return (
        f"Thank you for your message about order {order}. Your crates leave our warehouse on the next working day "
        f"before noon, so you should have them within the week. The total is the one on your invoice for order "
        f"{order}, with nothing left to pay, and the free return label stays valid for thirty days after delivery."
    )


def body(model: str, number: int) -> dict[str, Any]:
    """The body of one chat completion request."""
    return {"model": model, "messages": [{"role": "user", "content": prompt(number)}], "max_tokens": MAX_TOKENS}


def tokens(text: str) -> int:
    """About how many tokens a text has."""
    return -(-len(text) // 4)
