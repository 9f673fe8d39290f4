"""Images, sounds and files in the shape in which OpenAI's chat takes them, so that they can be sent again."""

from __future__ import annotations

from typing import Any

# The names that OpenAI has for the subtypes of audio's media types.
AUDIO_FORMATS = {"mpeg": "mp3", "wave": "wav", "vnd.wave": "wav"}
# A media type has to be named, though vendors look at the data itself.
_UNNAMED = {"image": "image/png", "audio": "audio/wav"}


def image_part(url: Any) -> dict[str, Any]:
    """An image by its address."""
    return {"type": "image_url", "image_url": {"url": url}}


def data_part(media_type: str, data: Any, name: Any = None, what: str | None = None) -> dict[str, Any]:
    """Base64 data as an image, a sound or a file.

    Args:
        media_type: May be empty where ``what`` is stated.
        data: The base64 text.
        name: The file's name, where one is known.
        what: image, audio, or anything else, which is sent as a file; None: as the media type says.
    """
    what = what or media_type.partition("/")[0]
    media_type = media_type or _UNNAMED.get(what, "application/octet-stream")
    if what == "audio":
        form = media_type.partition("/")[2].removeprefix("x-")
        return {"type": "input_audio", "input_audio": {"data": data, "format": AUDIO_FORMATS.get(form, form)}}
    address = f"data:{media_type};base64,{data}"
    if what == "image":
        return image_part(address)
    if not isinstance(name, str) or not name:
        name = "file.pdf" if media_type == "application/pdf" else "file"
    return {"type": "file", "file": {"filename": name, "file_data": address}}
