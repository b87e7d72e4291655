"""Where a mail stops and what it answers begins, in the ways of many programs and languages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.domain.wild import WILD_TEXT, at_most
from webmail.domain.attributions import is_attribution, is_divider, is_from_line, is_sent_line
from webmail.domain.quotes import fold_quotes_html, split_quoted_text
from webmail.domain.text import html_to_text, parse_html

ATTRIBUTIONS = {
    "gmail en": "On Tue, Nov 24, 2026 at 10:42 AM Ann Lee <ann@example.com> wrote:",
    "gmail de": "Am Di., 24. Nov. 2026 um 10:42 Uhr schrieb Ann Lee <ann@example.com>:",
    "gmail fr": "Le mar. 24 nov. 2026 à 10:42, Ann Lee <ann@example.com> a écrit :",
    "gmail es": "El mar, 24 nov 2026 a las 10:42, Ann Lee (<ann@example.com>) escribió:",
    "gmail it": "Il giorno mar 24 nov 2026 alle ore 10:42 Ann Lee <ann@example.com> ha scritto:",
    "gmail nl": "Op di 24 nov 2026 om 10:42 schreef Ann Lee <ann@example.com>:",
    "gmail pl": "wt., 24 lis 2026 o 10:42 Ann Lee <ann@example.com> napisał(a):",
    "gmail pt": "Em ter., 24 de nov. de 2026 às 10:42, Ann Lee <ann@example.com> escreveu:",
    "gmail ja": "2026年11月24日(火) 10:42 Ann Lee <ann@example.com>:",
    "gmail sv": "Den tis 24 nov. 2026 kl 10:42 skrev Ann Lee <ann@example.com>:",
    "apple en": "On 24 Nov 2026, at 10:42, Ann Lee <ann@example.com> wrote:",
    "apple de": "Am 24.11.2026 um 10:42 schrieb Ann Lee <ann@example.com>:",
    "apple fr": "Le 24 nov. 2026 à 10:42, Ann Lee <ann@example.com> a écrit :",
    "apple es": "El 24 nov 2026, a las 10:42, Ann Lee <ann@example.com> escribió:",
    "apple it": "Il giorno 24 nov 2026, alle ore 10:42, Ann Lee <ann@example.com> ha scritto:",
    "apple nl": "Op 24 nov. 2026, om 10:42 heeft Ann Lee <ann@example.com> het volgende geschreven:",
    "apple pl": "Wiadomość napisana przez Ann Lee <ann@example.com> w dniu 24 lis 2026, o godz. 10:42:",
    "apple pt": "Em 24 de nov. de 2026, à(s) 10:42, Ann Lee <ann@example.com> escreveu:",
    "apple ja": "2026/11/24 10:42、Ann Lee <ann@example.com>のメール:",
    "thunderbird en": "On 24/11/2026 10:42, Ann Lee wrote:",
    "thunderbird de": "Am 24.11.26 um 10:42 schrieb Ann Lee:",
    "thunderbird fr": "Le 24/11/2026 à 10:42, Ann Lee a écrit :",
    "thunderbird es": "El 24/11/26 a las 10:42, Ann Lee escribió:",
    "thunderbird it": "Il 24/11/2026 10:42, Ann Lee ha scritto:",
    "thunderbird nl": "Op 24-11-2026 om 10:42 schreef Ann Lee:",
    "thunderbird pl": "W dniu 24.11.2026 o 10:42, Ann Lee pisze:",
    "thunderbird pt": "Às 10:42 de 24/11/2026, Ann Lee escreveu:",
    "yahoo en": "On Tuesday, November 24, 2026 at 10:42:00 AM GMT+1, Ann Lee <ann@example.com> wrote:",
    "yahoo de": "Am Dienstag, 24. November 2026 um 10:42:00 MEZ hat Ann Lee <ann@example.com> Folgendes geschrieben:",
    "proton en": "On Tuesday, November 24th, 2026 at 10:42 AM, Ann Lee <ann@example.com> wrote:",
    "ours": "On Tue 24 November 2026, 10:42, Ann Lee wrote:",
}
HEADS = {
    "outlook en": "From: Ann Lee <ann@example.com>\nSent: Tuesday, November 24, 2026 10:42 AM\nTo: Bob\nSubject: CV",
    "outlook en bold": "*From:* Ann Lee <ann@example.com>\n*Sent:* Tuesday, November 24, 2026\n*To:* Bob",
    "outlook de": "Von: Ann Lee <ann@example.com>\nGesendet: Dienstag, 24. November 2026 10:42\nAn: Bob\nBetreff: CV",
    "outlook fr": "De : Ann Lee <ann@example.com>\nEnvoyé : mardi 24 novembre 2026 10:42\nÀ : Bob\nObjet : CV",
    "outlook es": "De: Ann Lee <ann@example.com>\nEnviado el: martes, 24 de noviembre de 2026 10:42\nPara: Bob",
    "outlook it": "Da: Ann Lee <ann@example.com>\nInviato: martedì 24 novembre 2026 10:42\nA: Bob\nOggetto: CV",
    "outlook nl": "Van: Ann Lee <ann@example.com>\nVerzonden: dinsdag 24 november 2026 10:42\nAan: Bob",
    "outlook pl": "Od: Ann Lee <ann@example.com>\nWysłano: wtorek, 24 listopada 2026 10:42\nDo: Bob",
    "outlook pt": "De: Ann Lee <ann@example.com>\nEnviado: terça-feira, 24 de novembro de 2026 10:42\nPara: Bob",
    "outlook pt-br": "De: Ann Lee <ann@example.com>\nEnviada em: terça-feira, 24 de novembro de 2026 10:42\nPara: Bob",
    "outlook ja": "差出人: Ann Lee <ann@example.com>\n送信日時: 2026年11月24日 10:42\n宛先: Bob\n件名: CV",
    "old outlook en": "-----Original Message-----\nFrom: Ann Lee",
    "old outlook de": "-----Ursprüngliche Nachricht-----\nVon: Ann Lee",
    "old outlook fr": "-----Message d'origine-----\nDe : Ann Lee",
    "old outlook es": "-----Mensaje original-----\nDe: Ann Lee",
    "old outlook it": "-----Messaggio originale-----\nDa: Ann Lee",
    "old outlook nl": "-----Oorspronkelijk bericht-----\nVan: Ann Lee",
    "old outlook pl": "-----Oryginalna wiadomość-----\nOd: Ann Lee",
    "old outlook pt": "-----Mensagem original-----\nDe: Ann Lee",
    "proton": "------- Original Message -------\nOn Tuesday, Ann Lee wrote:",
    "gmail forward": "---------- Forwarded message ---------\nFrom: Ann Lee <ann@example.com>",
    "apple forward": "Begin forwarded message:\n\nFrom: Ann Lee",
}


@pytest.mark.parametrize("program", ATTRIBUTIONS)
def test_a_quote_below_its_attribution_is_split_off(program: str) -> None:
    line = ATTRIBUTIONS[program]
    text = f"Thank you, Monday is fine.\n\nBob\n\n{line}\n\n> Hello Bob,\n>\n> is Monday fine?\n"

    own, quoted = split_quoted_text(text)

    assert own == "Thank you, Monday is fine.\n\nBob"
    assert quoted.startswith(line)


@pytest.mark.parametrize("program", ATTRIBUTIONS)
def test_a_wrapped_attribution_is_still_one(program: str) -> None:
    line = ATTRIBUTIONS[program]
    cut = line.rfind(" ", 0, len(line) - 8)
    wrapped = f"{line[:cut]}\n{line[cut + 1 :]}"

    own, quoted = split_quoted_text(f"Yes.\n\n{wrapped}\n> old\n")

    assert own == "Yes." and quoted.startswith(line[:10])


@pytest.mark.parametrize("program", ATTRIBUTIONS)
def test_an_unmarked_quote_counts_where_a_program_wrote_the_line_above_it(program: str) -> None:
    own, quoted = split_quoted_text(f"Yes.\n\n{ATTRIBUTIONS[program]}\n\nHello Bob,\nis Monday fine?\n")

    assert own == "Yes." and quoted.endswith("is Monday fine?")


@pytest.mark.parametrize("program", HEADS)
def test_a_quoted_header_takes_all_that_follows(program: str) -> None:
    own, quoted = split_quoted_text(f"Yes.\n\nBob\n\n{HEADS[program]}\n\nHello Bob,\nis Monday fine?\n")

    assert own == "Yes.\n\nBob" and quoted.startswith(HEADS[program])


def test_the_line_that_outlook_draws_goes_with_the_quote() -> None:
    own, _ = split_quoted_text("Yes.\n________________________________\nFrom: Ann\nSent: Monday\n\nHello")

    assert own == "Yes."


@pytest.mark.parametrize(
    "text",
    [
        "Just text.",
        "",
        "> all of it\n> is quoted",
        "Hi,\n> is Monday fine?\nYes.\n> and Tuesday?\nNo.",
        "On Monday, 23 Nov 2026 at 10:42, Ann wrote:\n> Monday?\n\nYes, it is.",
        "Ann wrote:\nsomething nice",
        "He came. On reflection she wrote:\nit is fine",
        "From: the desk of Ann\nHello",
        "From: here\nto there",
        "Dates:\nFrom: Monday\n\n\n\n\n\nSent: later",
        "Am Ende schrieb er:\nso ist es",
        "-- \nAnn",
        "On the 3rd:\nwe meet",
    ],
)
def test_nothing_is_split_off_where_something_new_would_go_with_it(text: str) -> None:
    assert split_quoted_text(text) == (text, "")


@given(WILD_TEXT, st.sampled_from([*ATTRIBUTIONS.values(), *HEADS.values(), "> a", ">", "Ann"]), WILD_TEXT)
def test_splitting_loses_nothing(before: str, middle: str, after: str) -> None:
    text = f"{before}\n{middle}\n{after}"

    own, quoted = split_quoted_text(text)

    assert "".join((own + quoted).split()) == "".join(text.split())


HOSTILE = [
    "On " * 5000,
    ("On " * 130 + "\n") * 3000,
    ("Am " + "schrieb " * 45 + "\n") * 3000,
    ("Am " + "schrieb " * 45 + ":\n") * 3000,
    "On Monday 3 he wrote:\n" * 3000 + "x",
    "> x\ny\n" * 1500,
    "From: x\n" * 3000,
    "\r\n" * 200_000,
    "\n" * 500_000,
    " " * 500_000 + "\n> x",
    ">" * 500_000,
    "-" * 500_000,
    ("-" * 300 + "\n") * 3000,
    ("2026-11-24 " * 30 + "<a:\n") * 3000,
    "_" * 100 + "\nFrom: a\n" * 3000,
    "*From*" * 50_000,
    ":" * 500_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_no_text_takes_long(text: str) -> None:
    with at_most(2):
        split_quoted_text("hi\n" + text)


def test_lines_are_told_by_themselves() -> None:
    assert is_divider("-----Original Message-----") and not is_divider("Original Message")
    assert is_from_line("> From: Ann") and not is_from_line("From here on")
    assert is_sent_line("Date: Monday") and not is_sent_line("Dates")
    assert not is_attribution("On " + "x" * 500 + " wrote:")


HTML_QUOTES = {
    "gmail": '<div class="gmail_quote"><div class="gmail_attr">On Monday:</div><blockquote>old</blockquote></div>',
    "gmail new": '<div class="gmail_quote gmail_quote_container"><blockquote>old</blockquote></div>',
    "apple": '<div><blockquote type="cite"><div>On 24 Nov 2026, at 10:42, Ann wrote:</div>old</blockquote></div>',
    "apple old": '<div>On 24 Nov 2026, Ann &lt;a@b.c&gt; wrote:</div><br><blockquote type="cite">old</blockquote>',
    "thunderbird": '<div class="moz-cite-prefix">On 24/11/2026:</div><blockquote type="cite">old</blockquote>',
    "thunderbird signed": '<blockquote type="cite">old</blockquote><pre class="moz-signature">-- Bob</pre>',
    "yahoo": '<div id="yahoo_quoted_123" class="yahoo_quoted"><div>On Monday, Ann wrote:</div>old</div>',
    "yahoo new": '<div id="ydp4f1yahoo_quoted_12" class="ydp4f1yahoo_quoted">old</div>',
    "proton": '<div class="protonmail_quote">On Monday, Ann wrote:<br><blockquote type="cite">old</blockquote></div>',
    "gmx": '<div name="quote" style="border-left:2px solid #C3D9E5">old</div>',
    "zoho": '<div class="zmail_extra">old</div>',
    "roundcube": '<p id="reply-intro">On 2026-11-24, Ann wrote:</p><blockquote type="cite">old</blockquote>',
    "plain": "<p>On 24/11/2026 10:42, Ann Lee wrote:</p><blockquote>old</blockquote>",
    "outlook web": '<div id="appendonsend"></div><hr><div id="divRplyFwdMsg"><b>From:</b> Ann</div><div>old</div>',
    "outlook web reply": '<hr><div id="divRplyFwdMsg"><b>From:</b> Ann</div><div>old</div>',
    "outlook desktop": '<div><div style="border:none;border-top:solid #E1E1E1 1.0pt"><p><b>From:</b> Ann<br>'
    "<b>Sent:</b> Monday<br><b>To:</b> Bob</p></div></div><p>old</p>",
    "outlook desktop de": '<div style="border:none;border-top:solid #B5C4DF 1.0pt"><p><b>Von:</b> Ann<br>'
    "\n<b>Gesendet:</b> Montag</p></div><p>old</p>",
    "ours": '<div class="webmail-quote"><p>On Monday, Ann wrote:</p><blockquote type="cite">old</blockquote></div>',
}


@pytest.mark.parametrize("program", HTML_QUOTES)
def test_the_quoted_tail_of_html_is_folded(program: str) -> None:
    folded = fold_quotes_html(f"<html><body><div>My answer.</div>{HTML_QUOTES[program]}</body></html>")

    details = parse_html(folded).find(".//details[@class='quoted']")
    assert details is not None and "old" in details.text_content() and "My answer" not in details.text_content()
    assert folded.index("My answer") < folded.index("<details")


@pytest.mark.parametrize(
    "source",
    [
        "<p>Just text</p>",
        "",
        "text",
        '<blockquote type="cite">all of it</blockquote>',
        '<p>Hi</p><blockquote type="cite">One?</blockquote><p>Yes</p><blockquote type="cite">2?</blockquote><p>No</p>',
        '<div class="gmail_quote">old</div><div>My answer is below</div>',
        '<div>Hi<div class="gmail_quote">old</div>And more</div>',
        "<blockquote>somebody's nice words</blockquote><p>Ann</p>",
        '<div id="divRplyFwdMsg">From: Ann</div><div>forwarded as it is</div>',
        "<p>He wrote:</p><p>fine</p>",
    ],
)
def test_html_stays_as_it_is_where_something_new_would_be_folded(source: str) -> None:
    assert fold_quotes_html(source) == source


def test_after_answers_between_the_lines_only_the_rest_is_folded() -> None:
    quote = '<blockquote type="cite">{}</blockquote>'
    folded = fold_quotes_html(f"<p>Hi</p>{quote.format('one')}<p>Yes</p>{quote.format('two')}")

    details = parse_html(folded).find(".//details")
    assert "two" in details.text_content() and "one" not in details.text_content()


def test_an_answer_that_is_a_picture_counts_as_one() -> None:
    assert "<details" in fold_quotes_html('<img src="cid:a"><div class="gmail_quote">old</div>')


TAGS = "<p> </p> <div> </div> <blockquote/type=cite> </blockquote> <div/class=gmail_quote> x <br> <img>"


@given(st.lists(st.sampled_from([*TAGS.split(), "<div/id=divRplyFwdMsg>"]), max_size=30))
def test_folding_loses_nothing_and_hides_nothing_new_but_outlooks_tail(pieces: list[str]) -> None:
    source = "".join(pieces)

    folded = fold_quotes_html(source)

    assert html_to_text(folded).replace("Show quoted text", "").split() == html_to_text(source).split()


@pytest.mark.parametrize(
    "source",
    [
        "<blockquote type=cite>" * 20_000,
        "<div> </div>" * 60_000 + "<blockquote type=cite>x",
        "<div class=gmail_quote>x</div>y" * 20_000,
        "<div>" * 100_000,
        "<p>On Monday 2026 wrote:</p><br>" * 20_000,
        "<div style='border-top:solid #'>From:" * 5_000,
    ],
    ids=range(6),
)
def test_no_html_takes_long_to_fold(source: str) -> None:
    with at_most(4):
        fold_quotes_html("<p>hi</p>" + source)
