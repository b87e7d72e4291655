"""Clean HTML by allow-list: what came by mail, and what was written here.

The order is fixed: style blocks into attributes (css-inline), then nh3, then nothing: a step after the sanitiser is how
others were broken (field notes, section 7). And cleaning is the second line; the first is the frame, which neither
runs scripts nor loads anything that its CSP does not name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import css_inline
import nh3

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
_DATA_IMAGE = re.compile(r"data:image/(?:png|gif|jpe?g|webp);base64,[A-Za-z0-9+/=\s]*", re.IGNORECASE)
_MAX_HTML = 4 * 1024 * 1024

_inliner = css_inline.CSSInliner(load_remote_stylesheets=False, keep_style_tags=False, keep_link_tags=False)


@dataclass(frozen=True)
class CleanedHtml:
    """HTML that is safe to show in the message frame; `has_remote` tells whether images elsewhere would be loaded."""

    html: str
    has_remote: bool


def clean_mail_html(source: str, *, cid_urls: Mapping[str, str]) -> CleanedHtml:
    """Clean the HTML of a mail.

    Args:
        cid_urls: where the mail's own images are to be had, by Content-ID; others are dropped.

    Returns:
        Remote images keep their address: whether they load is the frame's CSP's to say.
    """
    remote: list[str] = []

    def image(value: str) -> str | None:
        if value.lower().startswith("cid:"):
            return cid_urls.get(value[4:].strip("<>"))
        if value.lower().startswith(("http://", "https://")):
            remote.append(value)
            return value
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
    """Turn style blocks into style attributes, so that they survive cleaning; HTML that resists comes back as it is."""
    source = source[:_MAX_HTML]
    if "<style" not in source.lower():
        return source
    try:
        return str(_inliner.inline(source))
    except (css_inline.InlineError, ValueError):
        return source


def _clean(source: str, image: Callable[[str], str | None]) -> str:
    def keep(_tag: str, attribute: str, value: str) -> str | None:
        # nh3 swallows exceptions raised here and drops the attribute; so this may not raise, only refuse.
        if attribute == "src":
            return image(value.strip())
        if attribute == "href":
            return value if value.strip().lower().startswith(("http://", "https://", "mailto:", "tel:")) else None
        if attribute == "class":
            kept = _CLASSES & set(value.split())
            return " ".join(sorted(kept)) or None
        if attribute in ("width", "height"):
            return value if re.fullmatch(r"\s*\d{1,4}(?:\.\d+)?(?:px|%)?\s*", value) else None
        return value

    return nh3.clean(
        source[:_MAX_HTML],
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
