"""Laws of the pages: one file, no outside references, accessible, honest words, nothing executed."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import date
from html.parser import HTMLParser

import pytest

from repository.test_words import forbidden_words
from truceline.report import (
    ReportInput,
    build_daily_report,
    events_csv,
    numbers_csv,
    render_adherence,
    render_html,
    render_markdown,
)

Maker = Callable[..., ReportInput]
VOID = {"meta", "br", "line", "rect", "path", "circle", "img", "hr", "link"}


class Page(HTMLParser):
    """Reads a page and keeps tags that do not close, references, text and what lacks a title."""

    def __init__(self, content: str) -> None:
        """Read all of it."""
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.references: list[str] = []
        self.text: list[str] = []
        self.attributes: list[tuple[str, dict[str, str | None]]] = []
        self.feed(content)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take a tag in."""
        self.tags.append(tag)
        self.attributes.append((tag, dict(attrs)))
        self.references += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href", "action")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take a tag in that closes itself."""
        self.attributes.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        """Close the innermost tag, which must be this one."""
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Keep text that a reader sees."""
        if self.open and self.open[-1] not in ("style", "script"):
            self.text.append(data)


def pages(maker: Maker, **changes: object) -> dict[str, str]:
    """Render every artefact of an issue."""
    given = maker(**changes)
    report = build_daily_report(given)
    windows = [window for agreement in given.agreements for window in agreement.windows]
    return {
        "html": render_html(report),
        "markdown": render_markdown(report),
        "events": events_csv(report),
        "numbers": numbers_csv(report),
        "adherence": render_adherence(
            given.adherences,
            windows=windows,
            theatre=given.theatre,
            generated_time=given.generated_time,
            synthetic=given.synthetic,
        ),
    }


@pytest.mark.parametrize("name", ["html", "adherence"])
def test_a_page_is_one_well_formed_file_without_outside_references(made_up_input: Maker, name: str) -> None:
    """Every tag closes, nothing is loaded from elsewhere, and nothing is run."""
    content = pages(made_up_input)[name]
    page = Page(content)

    assert page.open == []
    assert [reference for reference in page.references if not reference.startswith("#")] == []
    assert "script" not in page.tags
    assert re.findall(r"url\((?!#)|@import|https?://(?!www\.w3\.org)", content) == []


@pytest.mark.parametrize("name", ["html", "adherence"])
def test_a_page_can_be_read_without_seeing_it(made_up_input: Maker, name: str) -> None:
    """The language is named, every picture has a name, and every table header says what it heads."""
    page = Page(pages(made_up_input)[name])
    by_tag = {tag: [attrs for other, attrs in page.attributes if other == tag] for tag in ("html", "svg", "th")}

    assert by_tag["html"] == [{"lang": "en"}]
    assert all(attrs.get("aria-labelledby") or attrs.get("aria-label") for attrs in by_tag["svg"])
    assert all(attrs.get("scope") in ("col", "row") for attrs in by_tag["th"])


@pytest.mark.parametrize("audience", ["mission", "public"])
@pytest.mark.parametrize("event_count", [0, 120])
def test_pages_say_potential_and_use_no_word_that_is_not_used(
    made_up_input: Maker, audience: str, event_count: int
) -> None:
    """'Violation' never stands without 'potential', and the words of the house list never stand at all."""
    for content in pages(made_up_input, audience=audience, event_count=event_count).values():
        said = re.sub(r"(?s)<style>.*?</style>", "", content)

        assert re.findall(r"(?<!potential )(?<!potential_)violation", said.lower()) == []
        assert forbidden_words(said) == []


def test_every_artefact_of_made_up_data_says_so(made_up_input: Maker) -> None:
    """A synthetic issue is marked in HTML, Markdown and both tables, and a real one in none."""
    marked = pages(made_up_input)
    real = pages(made_up_input, synthetic=False, files=())

    assert all("SYNTHETIC" in marked[name] for name in ("html", "markdown", "adherence"))
    assert all(line.endswith(",True") for line in marked["numbers"].splitlines()[1:])
    assert all("SYNTHETIC" not in content for content in real.values())


def test_hours_not_watched_are_words_and_hatching(made_up_input: Maker) -> None:
    """An hour without a watch is a hatched cell that says so in words, never an empty one."""
    content = pages(made_up_input)["html"]

    assert content.count('class="not-watched" title="not watched: not observed"') >= 4
    assert content.count('class="not-known" title="not known if watched"') >= 9
    assert "quiet" in content


def test_a_day_without_data_renders_and_says_not_observed(made_up_input: Maker) -> None:
    """Nothing received is a page that says so in every form."""
    made = pages(made_up_input, event_count=0, watches=(), files=(), lines=(), bounds=None, adherences=())

    assert "Not observed" in made["html"]
    assert "Not observed" in made["markdown"]
    assert made["events"].count("\n") == 1


def test_monday_is_rendered_as_two_sub_periods(made_up_input: Maker) -> None:
    """Each evening-to-evening of Monday's issue has its heading, its map and its timeline."""
    content = pages(made_up_input, issue_date=date(2025, 4, 21))["html"]

    assert "<h3>Between the evenings of 19 and 20 April 2025</h3>" in content
    assert "<h3>Between the evenings of 20 and 21 April 2025</h3>" in content
    assert content.count("Events per hour, Between") == 2


def test_exchanging_the_parties_exchanges_their_names_on_the_page(made_up_input: Maker) -> None:
    """A reader who swaps the two names back sees the same page: no party has a place of its own."""
    straight = pages(made_up_input, parties=("Northland", "Southland"))
    mirrored = pages(made_up_input, parties=("Southland", "Northland"))

    for name, content in straight.items():
        swapped = re.sub("Northland|Southland", lambda m: {"N": "Southland", "S": "Northland"}[m[0][0]], content)

        assert swapped == mirrored[name], name


def test_the_public_page_shows_no_attribution(made_up_input: Maker) -> None:
    """Party and probability stand in no public artefact, and the page says that they are held back."""
    made = pages(made_up_input, audience="public")

    assert "Attribution is not released to the public audience" in made["html"]
    assert "indicated Northland" not in made["html"]


def test_names_from_files_are_never_markup(made_up_input: Maker) -> None:
    """A file name with tags or bars stays text in HTML and in Markdown tables."""
    made = pages(made_up_input)

    assert "<script>" not in made["html"]
    assert "<script>" not in made["markdown"]
    assert "a\\|b&lt;script>.csv" in made["markdown"]


def test_tables_add_up_and_hold_every_event(made_up_input: Maker) -> None:
    """The CSV of numbers carries the same sums as the CSV of events has rows."""
    made = pages(made_up_input)
    events = list(csv.DictReader(io.StringIO(made["events"])))
    numbers = list(csv.DictReader(io.StringIO(made["numbers"])))
    areas = [int(row["events"]) for row in numbers if row["area"] != "ALL"]
    total = [int(row["events"]) for row in numbers if row["area"] == "ALL"]

    assert sum(total) == len(events)
    assert sum(areas) == len(events)


def test_text_that_looks_like_a_formula_is_kept_from_spreadsheets(made_up_input: Maker) -> None:
    """A place named like a formula is written with an apostrophe before it."""
    given = made_up_input()
    report = build_daily_report(given)
    first = report.events[0].__class__(
        **{name: getattr(report.events[0], name) for name in report.events[0].__struct_fields__}
        | {"place_name": '=HYPERLINK("x")'}
    )
    changed = report.__class__(
        **{name: getattr(report, name) for name in report.__struct_fields__} | {"events": (first, *report.events[1:])}
    )

    assert "'=HYPERLINK" in events_csv(changed)


def test_a_verdict_rests_on_word_and_symbol_not_on_colour(made_up_input: Maker) -> None:
    """Each verdict stands with its word, whose claims it rests on, and both clocks of the resumption."""
    content = pages(made_up_input)["adherence"]

    assert "Reduced" in content
    assert "claims of Northland" in content
    assert "2025-04-20 22:00 UTC" in content
    assert "21 Apr 2025, 01:00" in content


def test_no_verdicts_is_a_page_too(made_up_input: Maker) -> None:
    """A page without anything to judge says so."""
    given = made_up_input()
    content = render_adherence(
        [], windows=[], theatre=given.theatre, generated_time=given.generated_time, synthetic=False
    )

    assert "Nothing was judged" in content
