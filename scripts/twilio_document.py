"""Twilio's OpenAPI document as far as its contract is checked: which fields a request may have, and what an answer looks like.

Only scripts/prism_contract.py imports this. The document is given by path and is no part of the project.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jsonschema_rs

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Document:
    """The document, read once."""

    root: dict[str, Any]

    @classmethod
    def read(cls, path: Path) -> Document:
        """Read the document; stop with a sentence if it is none."""
        try:
            root = json.loads(path.read_text(encoding="utf-8"))
            assert root["paths"]
        except (OSError, ValueError, KeyError, AssertionError):
            raise SystemExit(f"{path} is not an OpenAPI document that can be read.") from None
        return cls(root)

    def request_differs(self, method: str, path: str, form: dict[str, str]) -> str:
        """What in a request the document does not know or asks for in vain; nothing if all is well."""
        operation = self._operation(method, path)
        if operation is None:
            return f"no such request: {method} {path}"
        known = {p["name"] for p in operation.get("parameters", ()) if p["in"] == "query"}
        odd = {name for name, _ in parse_qsl(urlsplit(path).query)} - known
        schema = operation.get("requestBody", {}).get("content", {}).get(FORM, {}).get("schema", {})
        odd |= set(form) - set(schema.get("properties", {}))
        missing = set(schema.get("required", ())) - set(form)
        return ", ".join(
            [*(f"unknown field {o}" for o in sorted(odd)), *(f"missing {m}" for m in sorted(missing))]
        )

    def answer_differs(self, method: str, path: str, status: int, body: Any) -> str:
        """How an answer differs from the one that the document describes; nothing if it does not."""
        operation = self._operation(method, path)
        if operation is None:
            return f"no such request: {method} {path}"
        described = operation["responses"].get(str(status))
        if described is None:
            return f"status {status}, not {' or '.join(operation['responses'])}"
        if "content" not in described:
            return "" if body is None else "an answer, where none is described"
        schema = self._plain(described["content"]["application/json"]["schema"])
        checker = jsonschema_rs.Draft7Validator(
            schema, validate_formats=True, formats={"rfc2822": _is_rfc2822}
        )
        wrong = [f"{'/'.join(map(str, e.instance_path))}: {e.message}" for e in checker.iter_errors(body)]
        return "; ".join(wrong[:3])

    def last_page(self, path: str) -> str:
        """The name of an example of this list that says that no page follows; empty if there is none."""
        operation = self._operation("GET", path) or {}
        answers = operation.get("responses", {}).get("200", {}).get("content", {}).values()
        found = (
            name
            for answer in answers
            for name, example in answer.get("examples", {}).items()
            if example["value"].get("next_page_uri", path) is None
        )
        return next(found, "")

    def _operation(self, method: str, path: str) -> dict[str, Any] | None:
        wanted = urlsplit(path).path
        fits = []
        for template, operations in self.root["paths"].items():
            pattern = re.sub(r"\\\{[A-Za-z]+\\\}", "[^/]+?", re.escape(template))
            if method.lower() in operations and re.fullmatch(pattern, wanted):
                fits.append((template.count("{"), operations[method.lower()]))
        return min(fits, key=lambda fit: fit[0])[1] if fits else None

    def _plain(self, schema: dict[str, Any]) -> dict[str, Any]:
        """A schema of OpenAPI 3.0 as one of JSON Schema, in which every field that is described is asked for and no other is known."""
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            return self._plain(self.root["components"]["schemas"][name])
        made: dict[str, Any] = {
            key: schema[key] for key in ("type", "enum", "pattern", "minLength", "maxLength") if key in schema
        }
        if schema.get("format") == "date-time-rfc-2822":
            made["format"] = "rfc2822"
        if "properties" in schema:
            made["properties"] = {name: self._plain(part) for name, part in schema["properties"].items()}
            made["required"] = sorted(schema["properties"])
            made["additionalProperties"] = False
        if "items" in schema:
            made["items"] = self._plain(schema["items"])
        return {"anyOf": [made, {"type": "null"}]} if schema.get("nullable") else made


def _is_rfc2822(value: str) -> bool:
    try:
        return parsedate_to_datetime(value).tzinfo is not None
    except (TypeError, ValueError):
        return False
