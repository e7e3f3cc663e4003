"""What ELAN demands of an annotation document (EAF 2.8 and 3.0) of tiers in time, without vocabularies.

Written anew from the format: which elements stand in which order, how often, with which attributes of which
types, which names are unique and which must be known. `tests/realtime/sinks/test_elan.py` breaks documents in
each of these ways.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

Check = Callable[[str], bool]


def _pattern(pattern: str) -> Check:
    return lambda text: re.fullmatch(pattern, text) is not None


def _is_uri(text: str) -> bool:
    """An address, in which letters and blanks may stand as they are: the schema's anyURI."""
    return text.count("#") < 2 and not re.search(r"[\[\]]|%(?![0-9A-Fa-f]{2})", text)


TEXT: Check = lambda text: True  # noqa: E731
NAME = _pattern(r"[^\W\d][\w.\-]*")
WHOLE = _pattern(r"-?\d{1,18}")
FROM_0: Check = lambda text: text.isdecimal() and int(text) < 1 << 32  # noqa: E731
TIME = _pattern(r"-?\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?")
TRUTH = _pattern("true|false|0|1")
UNITS = _pattern("milliseconds|NTSC-frames|PAL-frames")


@dataclass(frozen=True)
class Kind:
    """What an element is made of.

    Attributes:
        children: names in their order, as a pattern over names that each end in a blank.
        needs, may: attributes with what their values are.
        text: whether it holds text.
    """

    children: str = ""
    needs: dict[str, Check] = field(default_factory=dict)
    may: dict[str, Check] = field(default_factory=dict)
    text: bool = False


_FILE = {"TIME_ORIGIN": WHOLE}
KINDS = {
    "ANNOTATION_DOCUMENT": Kind(
        "HEADER TIME_ORDER (TIER )*(LINGUISTIC_TYPE )*(LOCALE )*(LANGUAGE )*(CONSTRAINT )*",
        {"DATE": TIME, "AUTHOR": TEXT, "VERSION": TEXT},
        {"FORMAT": TEXT},
    ),
    "HEADER": Kind(
        "(MEDIA_DESCRIPTOR )*(LINKED_FILE_DESCRIPTOR )*(PROPERTY )*",
        may={"MEDIA_FILE": TEXT, "TIME_UNITS": UNITS},
    ),
    "MEDIA_DESCRIPTOR": Kind(
        needs={"MEDIA_URL": _is_uri, "MIME_TYPE": TEXT},
        may={"RELATIVE_MEDIA_URL": _is_uri, "EXTRACTED_FROM": _is_uri, **_FILE},
    ),
    "LINKED_FILE_DESCRIPTOR": Kind(
        needs={"LINK_URL": _is_uri, "MIME_TYPE": TEXT},
        may={"RELATIVE_LINK_URL": _is_uri, "ASSOCIATED_WITH": _is_uri, **_FILE},
    ),
    "PROPERTY": Kind(may={"NAME": TEXT}, text=True),
    "TIME_ORDER": Kind("(TIME_SLOT )*"),
    "TIME_SLOT": Kind(needs={"TIME_SLOT_ID": NAME}, may={"TIME_VALUE": FROM_0}),
    "TIER": Kind(
        "(ANNOTATION )*",
        {"TIER_ID": TEXT, "LINGUISTIC_TYPE_REF": TEXT},
        {
            "PARTICIPANT": TEXT,
            "ANNOTATOR": TEXT,
            "DEFAULT_LOCALE": NAME,
            "PARENT_REF": TEXT,
            "LANG_REF": NAME,
        },
    ),
    "ANNOTATION": Kind("ALIGNABLE_ANNOTATION "),
    "ALIGNABLE_ANNOTATION": Kind(
        "ANNOTATION_VALUE ",
        {"ANNOTATION_ID": NAME, "TIME_SLOT_REF1": NAME, "TIME_SLOT_REF2": NAME},
        {"SVG_REF": TEXT, "LANG_REF": NAME},
    ),
    "ANNOTATION_VALUE": Kind(text=True),
    "LINGUISTIC_TYPE": Kind(
        needs={"LINGUISTIC_TYPE_ID": TEXT},
        may={"TIME_ALIGNABLE": TRUTH, "CONSTRAINTS": NAME, "GRAPHIC_REFERENCES": TRUTH},
    ),
    "LOCALE": Kind(needs={"LANGUAGE_CODE": NAME}, may={"COUNTRY_CODE": TEXT, "VARIANT": TEXT}),
    "LANGUAGE": Kind(needs={"LANG_ID": NAME}, may={"LANG_DEF": TEXT, "LANG_LABEL": TEXT}),
    "CONSTRAINT": Kind(needs={"STEREOTYPE": NAME}, may={"DESCRIPTION": TEXT}),
}
# Attributes that name something within the whole document, or among elements of their own kind.
_IDS = ("TIME_SLOT_ID", "ANNOTATION_ID", "LANGUAGE_CODE", "LANG_ID", "STEREOTYPE")
_KEYS = ("TIER_ID", "LINGUISTIC_TYPE_ID")
# Attributes that refer, and what they refer to.
_REFERENCES = {
    "TIME_SLOT_REF1": "TIME_SLOT_ID",
    "TIME_SLOT_REF2": "TIME_SLOT_ID",
    "LINGUISTIC_TYPE_REF": "LINGUISTIC_TYPE_ID",
    "PARENT_REF": "TIER_ID",
    "DEFAULT_LOCALE": "LANGUAGE_CODE",
    "LANG_REF": "LANG_ID",
    "CONSTRAINTS": "STEREOTYPE",
}


def faults(root: Element) -> list[str]:
    """What is wrong with a document, a sentence each; none where ELAN takes it."""
    elements = list(root.iter())
    found = [] if root.tag == "ANNOTATION_DOCUMENT" else [f"the document is a {root.tag}"]
    for element in elements:
        found += _of_element(element)
    named = {name: [one.get(name) for one in elements if name in one.attrib] for name in (*_IDS, *_KEYS)}
    everywhere = Counter(value for name in _IDS for value in named[name])
    twice = [value for value, count in everywhere.items() if count > 1]
    twice += [value for name in _KEYS for value, count in Counter(named[name]).items() if count > 1]
    found += [f"{value} is there twice" for value in twice]
    for element in elements:
        for name, key in _REFERENCES.items():
            if name in element.attrib and element.get(name) not in named[key]:
                found.append(f"{element.tag} refers to {element.get(name)}, which is no {key}")
    return found


def _of_element(element: Element) -> Iterator[str]:
    kind = KINDS.get(element.tag)
    if kind is None:
        yield f"{element.tag} is not known"
        return
    children = "".join(f"{child.tag} " for child in element)
    if not re.fullmatch(kind.children, children):
        yield f"{element.tag} holds {children or 'nothing'}"
    if not kind.text and (element.text or "").strip():
        yield f"{element.tag} holds text"
    yield from (f"{element.tag} lacks {name}" for name in kind.needs if name not in element.attrib)
    for name, value in element.attrib.items():
        check = {**kind.needs, **kind.may}.get(name)
        # What the document says of its schema is for parsers.
        if check is None and not name.startswith("{http://www.w3.org/2001/XMLSchema-instance}"):
            yield f"{element.tag} has {name}"
        elif check is not None and not check(value):
            yield f"{element.tag} has {name}={value!r}"
