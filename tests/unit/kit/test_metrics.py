"""The text format of Prometheus."""

from tholos.kit.metrics import Family, Histogram, Kind, render


def test_a_figure_is_told_with_its_labels_escaped():
    family = Family("x_total", Kind.COUNTER, "Of \\ and\nmore.", ("app", "state"))
    told = render([(family, {('a"b\\c\n', "ok"): 3.0, ("a", "no"): 0.25})])
    assert told == (
        "# HELP x_total Of \\\\ and\\nmore.\n"
        "# TYPE x_total counter\n"
        'x_total{app="a",state="no"} 0.25\n'
        'x_total{app="a\\"b\\\\c\\n",state="ok"} 3\n'
    )


def test_a_figure_without_labels_has_no_braces():
    assert render([(Family("x", Kind.GAUGE, "X."), {(): 1})]).endswith("\nx 1\n")


def test_a_histogram_adds_up():
    times = Histogram((1.0, 2.5))
    for seconds in (0.5, 1.0, 2.0, 9.0):
        times.observe(("a",), seconds)
    family = Family("x_seconds", Kind.HISTOGRAM, "X.", ("by",))
    assert render([(family, times)]).splitlines()[2:] == [
        'x_seconds_bucket{by="a",le="1"} 2',
        'x_seconds_bucket{by="a",le="2.5"} 3',
        'x_seconds_bucket{by="a",le="+Inf"} 4',
        'x_seconds_sum{by="a"} 12.5',
        'x_seconds_count{by="a"} 4',
    ]
