"""Clean HTML by allow-list: what came by mail, and what was written here.

The order is fixed: style blocks into attributes (css-inline), then nh3, then nothing: a step after the sanitiser is how
others were broken (field notes, section 7). And cleaning is the second line; the first is the frame, which neither
runs scripts nor loads anything that its CSP does not name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from urllib.parse import unquote

import css_inline
import nh3
from lxml import html as lxml_html

from webmail.domain.text import is_monstrous, parse_html, strip_tags

_TAGS = frozenset(
    "a abbr acronym address b bdi bdo big blockquote br caption center cite code col colgroup dd del details dfn dir div "
    "dl dt em figcaption figure font h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q rp rt ruby s samp section "
    "small span strike strong sub summary sup table tbody td tfoot th thead time tr tt u ul var wbr".split()
)
_DROPPED_WITH_CONTENT = frozenset("script style title template noscript svg math object applet audio video".split())
_ATTRIBUTES = {
    "*": {"align", "bgcolor", "class", "color", "dir", "height", "lang", "style", "title", "valign", "width"},
    "a": {"href"},
    "img": {"src", "alt", "border", "hspace", "vspace"},
    "table": {"border", "cellpadding", "cellspacing", "summary"},
    "td": {"colspan", "rowspan", "nowrap"},
    "th": {"colspan", "rowspan", "nowrap", "scope"},
    "col": {"span"},
    "colgroup": {"span"},
    "details": {"open"},
    "font": {"face", "size", "color"},
    "ol": {"start", "type"},
    "ul": {"type"},
    "li": {"value", "type"},
    "time": {"datetime"},
}
# Nothing here takes a url(): background, list-style, content, cursor and the like are left out for that reason,
# position and z-index because nothing in a mail may cover anything.
_STYLES = frozenset(
    "background-color border border-bottom border-bottom-color border-bottom-style border-bottom-width border-collapse "
    "border-color border-left border-left-color border-left-style border-left-width border-radius border-right "
    "border-right-color border-right-style border-right-width border-spacing border-style border-top border-top-color "
    "border-top-style border-top-width border-width caption-side clear color direction display empty-cells float font "
    "font-family font-size font-style font-variant font-weight height letter-spacing line-height list-style-type margin "
    "margin-bottom margin-left margin-right margin-top max-height max-width min-height min-width opacity overflow-wrap "
    "padding padding-bottom padding-left padding-right padding-top table-layout text-align text-decoration text-indent "
    "text-transform unicode-bidi vertical-align visibility white-space width word-break word-spacing word-wrap".split()
)
_SCHEMES = {"http", "https", "mailto", "tel", "cid", "data"}
_CLASSES = {"quoted", "webmail-signature", "webmail-quote"}
_HARMFUL_STYLE = re.compile(
    r"url\s*\(|expression|javascript|-moz-binding|behaviou?r|@import|image-set|\\|/\*", re.IGNORECASE
)
_STYLE_BLOCK = re.compile(r"(<style\b[^>]{0,500}>)(.*?)(</style\s{0,9}>)", re.IGNORECASE | re.DOTALL)
_DECLARATION = re.compile(r"(?<=[{;])\s*([\w-]{1,60})\s*:\s*([^;{}]*)(?=[;}])")
_MEDIA = re.compile(
    r"@media[^{}]{0,500}+\{(?:[^{}]{0,2000}+\{[^{}]{0,5000}+\}){0,1000}+[^{}]{0,2000}+\}", re.IGNORECASE
)
_COLOUR_ONLY = re.compile(
    r"\s*background\s*:\s*(#[0-9a-f]{3,8}|rgba?\([\d\s,.%]{1,40}\)|[a-z]{3,20})\s*(!\s*important)?\s*", re.IGNORECASE
)
"""A `background` without a picture is a `background-color`, by which most mails mean their bars and cards."""
_COMMENT = re.compile(r"/\*.*?\*/|<!--|-->", re.DOTALL)
_MAX_VALUE = 200
_MANY_TAGS = 3000
_MAX_STYLED = 150_000_000
"""Characters of CSS times elements: beyond it, applying the style blocks may take longer than anybody waits."""
_DATA_IMAGE = re.compile(r"data:image/(?:png|gif|jpe?g|webp);base64,[A-Za-z0-9+/=\s]*", re.IGNORECASE)
_MAX_HTML = 4 * 1024 * 1024

_inliner = css_inline.CSSInliner(load_remote_stylesheets=False, keep_style_tags=False, keep_link_tags=False)


@dataclass(frozen=True)
class CleanedHtml:
    """HTML that is safe to show in the message frame; `has_remote` tells whether images elsewhere would be loaded."""

    html: str
    has_remote: bool


def clean_mail_html(
    source: str, *, cid_urls: Mapping[str, str], remote_url: Callable[[str], str] | None = None
) -> CleanedHtml:
    """Clean the HTML of a mail.

    Args:
        cid_urls: where the mail's own images are to be had, by Content-ID; others are dropped.
        remote_url: gives where a remote image is to be had from; without it they keep their address, and the frame's
            CSP does not let them load.
    """
    remote: list[str] = []

    def image(value: str) -> str | None:
        if value.lower().startswith("cid:"):
            content_id = value[4:].strip("<>")
            return cid_urls.get(content_id) or cid_urls.get(unquote(content_id))
        if value.lower().startswith(("http://", "https://")):
            remote.append(value)
            return remote_url(value) if remote_url else value
        return value if _DATA_IMAGE.fullmatch(value) else None

    cleaned = _clean(inline_styles(source), image)
    return CleanedHtml(cleaned, bool(remote))


def clean_composed_html(source: str) -> str:
    """Clean HTML that was written here (a mail, a signature) or is quoted into one; it keeps cid: and remote images."""

    def image(value: str) -> str | None:
        is_kept = value.lower().startswith(("cid:", "https://", "http://")) or _DATA_IMAGE.fullmatch(value)
        return value if is_kept else None

    return _clean(inline_styles(source), image)


def inline_styles(source: str) -> str:
    """Turn style blocks into style attributes, so that they survive cleaning; HTML that resists is given back as it is.

    css-inline overflows its stack on some ten thousand levels, and takes minutes where every rule fits every element.
    """
    source = source[:_MAX_HTML]
    if is_monstrous(source):
        return source
    source = _levelled(source)
    if "<style" not in source.lower():
        return source
    source = _STYLE_BLOCK.sub(lambda found: found[1] + _kept_rules(found[2]) + found[3], source)
    css_length = sum(len(block[1]) for block in _STYLE_BLOCK.findall(source))
    if css_length * (source.count("<") - source.count("</")) > _MAX_STYLED:
        return source
    try:
        return str(_inliner.inline(source))
    except (css_inline.InlineError, ValueError):
        return source


def _levelled(source: str) -> str:
    """Bring HTML of many tags into a shape whose depth is bounded, by parsing and writing it once."""
    if source.count("<") <= _MANY_TAGS:
        return source
    root = parse_html(source)
    return source if root is None else str(lxml_html.tostring(root, encoding="unicode"))


def _kept_rules(css: str) -> str:
    """Leave out what only some screens get, and the declarations that cleaning would take out anyway."""
    return _DECLARATION.sub(
        lambda found: found[0] if len(found[2]) <= _MAX_VALUE and _is_kept(found[1], found[2]) else "",
        _MEDIA.sub(" ", _COMMENT.sub(" ", css)),
    )


def _is_kept(name: str, value: str) -> bool:
    return name.lower() in _STYLES or bool(_COLOUR_ONLY.fullmatch(f"{name}:{value}"))


def _as_colour(declaration: str) -> str:
    found = _COLOUR_ONLY.fullmatch(declaration)
    return f"background-color:{found[1]}" if found else declaration


def _safe_style(style: str) -> str | None:
    kept = [_as_colour(each.strip()) for each in style.split(";") if each.strip() and not _HARMFUL_STYLE.search(each)]
    return ";".join(kept) or None


def _clean(source: str, image: Callable[[str], str | None]) -> str:
    if is_monstrous(source):
        return f"<p>{escape(strip_tags(source))}</p>"

    def keep(tag: str, attribute: str, value: str) -> str | None:
        # nh3 swallows exceptions raised here and drops the attribute; so this may not raise, only refuse.
        if attribute == "src":
            return image(value.strip())
        if attribute == "href":
            return value if value.strip().lower().startswith(("http://", "https://", "mailto:", "tel:")) else None
        if attribute == "title" and tag == "a":
            # It would stand beside the link as if it were where the link leads.
            return None
        if attribute == "class":
            kept = _CLASSES & set(value.split())
            return " ".join(sorted(kept)) or None
        if attribute == "style":
            return _safe_style(value)
        if attribute in ("width", "height"):
            return value if re.fullmatch(r"\s*\d{1,4}(?:\.\d+)?(?:px|%)?\s*", value) else None
        return value

    return nh3.clean(
        source,
        tags=set(_TAGS),
        clean_content_tags=set(_DROPPED_WITH_CONTENT),
        attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
        attribute_filter=keep,
        filter_style_properties=set(_STYLES),
        url_schemes=_SCHEMES,
        url_relative="pass_through",
        link_rel="noopener noreferrer",
        set_tag_attribute_values={"a": {"target": "_blank"}},
        strip_comments=True,
    )
