import csv
import io
import json

import pytest

from results.plots import plot_table
from results.tables import pass_rate_table, render
from tests.results.judged_parts import program, write_judged, write_run

NASTY = r"a_b&50%|c$#{x}~^\model [bold]"


@pytest.fixture
def table(tmp_path):
    return pass_rate_table([write_run(tmp_path / "demo")], ks=(1, 2))


@pytest.fixture
def nasty(tmp_path):
    rows = [program("a", 4, author=NASTY), program("b", 0, author=NASTY, verdict="judge_error")]
    return pass_rate_table([write_judged(tmp_path / "nasty", rows)])


def test_json_and_csv_hold_every_number(table):
    document = json.loads(render(table, "json"))
    rows = list(csv.DictReader(io.StringIO(render(table, "csv"))))
    assert len(rows) == len(document["rows"]) == 2 * 4 * 3
    first = document["rows"][0]
    assert (first["author"], first["metric"], first["difficulty"], first["estimate"]) == (
        "base",
        "pass_rate",
        "introductory",
        0.75,
    )
    assert [
        {key: str(value or 0) for key, value in row.items() if key not in ("run", "against")} for row in document["rows"]
    ] == [{key: "0" if value == "0.0" else value for key, value in row.items() if key not in ("run", "against")} for row in rows]


def test_json_keeps_the_notes(nasty):
    document = json.loads(render(nasty, "json"))
    assert document["judge_errors"] == [{"run": None, "author": NASTY, "programs": 1}]
    assert document["notes"] == list(nasty.notes)


def test_markdown_rows_have_as_many_cells(table, nasty):
    for one in (table, nasty):
        lines = [line for line in render(one, "md").splitlines() if line.startswith("|")]
        bars = {line.replace("\\\\", "").replace("\\|", "").count("|") for line in lines}
        assert bars == {len(one.columns) + 3}
    assert "| pass rate (%) | base | 75.0 [" in render(table, "md")
    assert "1 of 2 programs dropped" in render(nasty, "md")


def test_latex_is_balanced_and_escaped(table, nasty):
    for one in (table, nasty):
        text = render(one, "latex")
        body = text[text.index("\n") + 1 :].replace("\\\\", "")
        plain = body.replace(r"\{", "").replace(r"\}", "")
        assert plain.count("{") == plain.count("}")
        assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}") == 1
        rows = [line for line in text.splitlines() if line.endswith(r"\\") and "multicolumn" not in line]
        assert {line.replace(r"\&", "").count("&") for line in rows} == {len(one.columns)}
        for sign in "%$#_&":
            assert plain.count(sign) - plain.count("\\" + sign) == (plain.count(" & ") if sign == "&" else 0)
    assert r"a\_b\&50\%|c\$\#\{x\}\textasciitilde{}\textasciicircum{}\textbackslash{}model [bold]" in render(nasty, "latex")


def test_terminal_fits_and_reads(table, nasty, tmp_path):
    text = render(table, "rich")
    assert max(map(len, text.splitlines())) <= 100
    assert "75.0 [" in text
    assert "\x1b" not in text
    assert "\x1b[1m" in render(table, "rich", color=True)
    assert NASTY in render(nasty, "rich", width=160)
    names = ("introductory", "interview", "competition", "other")
    rows = [
        program(name, 3, difficulty=name, author="an-organisation/a-model-of-a-very-long-name-135M-Instruct+btp")
        for name in names
    ]
    wide = render(pass_rate_table([write_judged(tmp_path / "wide", rows)]), "rich")
    assert max(map(len, wide.splitlines())) <= 100
    assert "…" not in wide
    assert all(name in wide for name in (*names, "all"))


def test_unknown_format_lists_the_valid_ones(table):
    with pytest.raises(ValueError, match="'html'; valid: rich, md, latex, csv, json"):
        render(table, "html")


@pytest.mark.parametrize(("suffix", "start"), [(".png", b"\x89PNG"), (".pdf", b"%PDF"), (".svg", b"<?xml")])
def test_plot_writes_a_whole_picture(table, tmp_path, suffix, start):
    path = tmp_path / "new" / f"pass_rate{suffix}"
    plot_table(table, path)
    assert path.read_bytes().startswith(start)
    assert list(path.parent.iterdir()) == [path]


def test_plot_says_what_it_shows(table, tmp_path):
    path = tmp_path / "p.svg"
    plot_table(table, path, "pass@2")
    text = path.read_text()
    for said in ("Pass@2 by difficulty", "base+btp", "introductory", "1 problem", "2 programs", "100.0"):
        assert f"<!-- {said}" in text  # matplotlib writes each text of an SVG as a comment beside its outlines


def test_plot_refuses_what_it_cannot_draw(table, tmp_path):
    with pytest.raises(ValueError, match=r"'.gif'; valid: .png, .pdf, .svg"):
        plot_table(table, tmp_path / "p.gif")
    with pytest.raises(ValueError, match="no metric 'pass@7'; valid: pass_rate"):
        plot_table(table, tmp_path / "p.png", "pass@7")
    lost = pass_rate_table([write_judged(tmp_path / "lost", [program("a", 0, verdict="judge_error")])])
    with pytest.raises(ValueError, match="nothing to draw"):
        plot_table(lost, tmp_path / "p.png")
    assert not (tmp_path / "p.png").exists()
