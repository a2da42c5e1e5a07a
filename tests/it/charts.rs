//! The line charts that the benchmarks draw.

#[path = "../../benches/figures/plots.rs"]
mod plots;

use plots::{Chart, Line};

fn chart(is_logarithmic: bool, lines: Vec<Line>) -> String {
    let places = ["1", "4", "16"].map(str::to_owned).to_vec();
    let chart = Chart { title: "A < B & C".into(), x: "x".into(), y: "y".into(), places, is_logarithmic, lines };
    chart.svg()
}

/// The heights of a chart's points, and what they tell.
fn points(svg: &str) -> Vec<(f64, String)> {
    let between = |text: &str, before: &str, after: &str| {
        text.split_once(before).unwrap().1.split_once(after).unwrap().0.to_owned()
    };
    let circles = svg.lines().filter(|line| line.starts_with("<circle"));
    circles.map(|line| (between(line, "cy=\"", "\"").parse().unwrap(), between(line, "<title>", "</title>"))).collect()
}

/// The words beside the y axis, from below.
fn marks(svg: &str) -> Vec<&str> {
    let texts = svg.lines().filter(|line| line.starts_with("<text") && line.contains("text-anchor=\"end\""));
    texts.map(|line| line.split_once('>').unwrap().1.trim_end_matches("</text>")).collect()
}

#[test]
fn a_linear_axis_begins_at_nothing_and_ends_above_the_highest_value() {
    let svg = chart(false, vec![Line::new("a", [12.0, 24.0, 48.0])]);
    assert_eq!(marks(&svg), ["0", "10", "20", "30", "40", "50"]);
    let points = points(&svg);
    let [low, middle, high] = [0, 1, 2].map(|index| points[index].0);
    assert!(low > middle && middle > high, "more is higher: {points:?}");
    assert!(((middle - high) / (low - middle) - 2.0).abs() < 0.01, "and evenly: {points:?}");
    assert_eq!(points[2].1, "a: 48");
}

#[test]
fn a_logarithmic_axis_gives_every_decade_the_same_height() {
    let svg = chart(true, vec![Line::new("a", [3.0, 30.0, 300.0]), Line::new("b", [40_000.0, 0.0, f64::NAN]).dashed()]);
    let of_a: Vec<f64> = points(&svg).iter().take(3).map(|(height, _)| *height).collect();
    assert!(((of_a[0] - of_a[1]) - (of_a[1] - of_a[2])).abs() < 0.2, "{of_a:?}");
    let marks = marks(&svg);
    assert_eq!((marks[0], marks[1], marks[marks.len() - 1]), ("2", "5", "50,000"), "{marks:?}");
    assert_eq!(points(&svg).len(), 4, "what cannot stand on the axis has no point");
    assert_eq!(svg.matches("stroke-dasharray").count(), 2, "the line and its entry in the legend are dashed");
}

#[test]
fn words_are_words_and_a_chart_of_nothing_is_a_chart() {
    let svg = chart(true, vec![Line::new("<b>", [])]);
    assert!(svg.contains("A &lt; B &amp; C") && svg.contains("&lt;b&gt;") && !svg.contains("<b>"), "{svg}");
    assert_eq!(marks(&svg), ["1", "10"]);
    assert!(points(&svg).is_empty() && !svg.contains("NaN") && !svg.contains("inf"), "{svg}");
}
