"""Released records -> daily report and other pages, as files that open anywhere."""

from truceline.report.adherence_page import render_adherence
from truceline.report.builder import build_daily_report
from truceline.report.dossier_page import render_dossier
from truceline.report.records import DailyReport, ReasonCount, ReportInput, SourceWatch
from truceline.report.render import events_csv, numbers_csv, render_html, render_markdown

__all__ = [
    "DailyReport",
    "ReasonCount",
    "ReportInput",
    "SourceWatch",
    "build_daily_report",
    "events_csv",
    "numbers_csv",
    "render_adherence",
    "render_dossier",
    "render_html",
    "render_markdown",
]
