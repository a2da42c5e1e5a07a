//! Charts as SVG: where the columns stand and how high they are; colours are classes, for the policy forbids styles.

/// Width and height of the plot, in units of the picture.
pub(super) const WIDTH: u32 = 600;
/// Height of the plot.
pub(super) const HEIGHT: u32 = 120;

/// A part of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bar {
    /// Its colour.
    pub(super) class: &'static str,
    pub(super) x: String,
    pub(super) y: String,
    pub(super) width: String,
    pub(super) height: String,
}

/// A chart of columns, one a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chart {
    /// All parts of all columns.
    pub(super) bars: Vec<Bar>,
    /// The line around what the columns are parts of, from the left to the right; empty where there is none.
    pub(super) outline: String,
    /// Horizontal lines: where, and what they say.
    pub(super) lines: Vec<(String, String)>,
    /// What stands below: the place, where the text is anchored, the text.
    pub(super) below: Vec<(String, &'static str, String)>,
}

/// A colour and its values, one a slot.
pub(super) type Series = (&'static str, Vec<f64>);

impl Chart {
    /// Columns whose parts stand on each other, the first series at the bottom, and a line at the values of `around`; `line`
    /// writes the value of the line.
    pub(super) fn stacked(series: &[Series], around: &[f64], line: impl Fn(f64) -> String) -> Self {
        let slots = series.first().map_or(0, |(_, values)| values.len());
        let sums = (0..slots).map(|slot| series.iter().map(|(_, values)| values[slot]).sum::<f64>());
        let top = nice_above(sums.chain(around.iter().copied()).fold(0.0, f64::max));
        let mut bars = Vec::new();
        for slot in 0..slots {
            let mut below = 0.0;
            for (class, values) in series {
                bars.extend(bar(class, slot, slots, below / top, (below + values[slot]) / top));
                below += values[slot];
            }
        }
        let lines = [top, top / 2.0].map(|value| (place(value / top), line(value)));
        let lines = lines.into_iter().filter(|(_, text)| !text.is_empty()).collect();
        Self { bars, outline: outline(around, top), lines, below: Vec::new() }
    }

    /// Columns that stand before each other, the first series behind, on a scale on which each line is a step of the same
    /// height: spans of a second and of a day can be told apart. `lines` are the values that get one, rising.
    pub(super) fn stepped(series: &[Series], lines: &[(f64, String)]) -> Self {
        let all = series.iter().flat_map(|(_, values)| values).copied();
        let highest = all.fold(0.0, f64::max);
        let shown = lines.iter().position(|(value, _)| *value >= highest).map_or(lines.len(), |last| last + 1).max(2);
        let lines = &lines[..shown.min(lines.len())];
        let height = |value: f64| {
            let above = lines.partition_point(|(line, _)| *line < value);
            let (low, high) =
                (above.checked_sub(1).map_or(0.0, |low| lines[low].0), lines.get(above).map(|line| line.0));
            let part = high.map_or(0.0, |high| (value - low) / (high - low));
            (above as f64 + part) / lines.len() as f64
        };
        let mut bars = Vec::new();
        for (class, values) in series {
            for (slot, value) in values.iter().enumerate() {
                bars.extend(bar(class, slot, values.len(), 0.0, height(*value)));
            }
        }
        let lines = lines.iter().map(|(value, text)| (place(height(*value)), text.clone()));
        Self { bars, outline: String::new(), lines: lines.collect(), below: Vec::new() }
    }

    /// With the begins of the first, the middle and the last slot below.
    pub(super) fn over(mut self, begins: &[String]) -> Self {
        let slots = begins.len();
        let at = |slot: usize| format!("{:.1}", f64::from(WIDTH) * slot as f64 / slots.max(1) as f64);
        if slots > 1 {
            self.below = vec![
                ("0".to_owned(), "start", begins[0].clone()),
                (at(slots / 2), "middle", begins[slots / 2].clone()),
                (WIDTH.to_string(), "end", begins[slots - 1].clone()),
            ];
        }
        self
    }
}

/// The part of a column between two shares of the plot's height.
fn bar(class: &'static str, slot: usize, slots: usize, from: f64, to: f64) -> Option<Bar> {
    let width = f64::from(WIDTH) / slots as f64;
    // What is there is seen, however small.
    let height = ((to - from) * f64::from(HEIGHT)).max(1.0);
    let y = (f64::from(HEIGHT) * (1.0 - from) - height).max(0.0);
    (to > from).then(|| Bar {
        class,
        x: format!("{:.1}", slot as f64 * width + width * 0.1),
        y: format!("{y:.1}"),
        width: format!("{:.1}", width * 0.8),
        height: format!("{height:.1}"),
    })
}

/// A line that stands at each value for the width of its slot.
fn outline(values: &[f64], top: f64) -> String {
    let width = f64::from(WIDTH) / values.len().max(1) as f64;
    let points = values.iter().enumerate().flat_map(|(slot, value)| {
        [slot, slot + 1].map(|edge| format!("{:.1},{}", edge as f64 * width, place(value / top)))
    });
    points.collect::<Vec<_>>().join(" ")
}

/// Where a share of the height is.
fn place(share: f64) -> String {
    format!("{:.1}", f64::from(HEIGHT) * (1.0 - share))
}

/// The next number above that is 2, 4 or 10 with zeros: half of it can be said, too.
fn nice_above(value: f64) -> f64 {
    let mut scale = 1.0;
    loop {
        for step in [2.0, 4.0, 10.0] {
            if value <= step * scale {
                return step * scale;
            }
        }
        scale *= 10.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(value: f64) -> String {
        value.to_string()
    }

    #[test]
    fn parts_of_a_column_stand_on_each_other_and_fill_the_plot_at_most() {
        let chart = Chart::stacked(&[("good", vec![1.0, 0.0]), ("bad", vec![3.0, 0.0])], &[], number);
        let places: Vec<_> = chart.bars.iter().map(|bar| (bar.class, bar.y.as_str(), bar.height.as_str())).collect();
        assert_eq!(places, [("good", "90.0", "30.0"), ("bad", "0.0", "90.0")], "where there is nothing stands nothing");
        assert_eq!((chart.bars[0].x.as_str(), chart.bars[0].width.as_str()), ("30.0", "240.0"));
        assert_eq!(chart.lines, [("0.0".to_owned(), "4".to_owned()), ("60.0".to_owned(), "2".to_owned())]);
    }

    #[test]
    fn a_line_goes_around_what_the_columns_are_parts_of() {
        let chart = Chart::stacked(&[("good", vec![1.0, 1.0])], &[4.0, 0.0], number);
        assert_eq!(chart.outline, "0.0,0.0 300.0,0.0 300.0,120.0 600.0,120.0");
        assert_eq!((chart.bars[0].height.as_str(), chart.lines[0].1.as_str()), ("30.0", "4"), "it fits in, too");
        assert_eq!(Chart::stacked(&[("good", vec![1.0])], &[], number).outline, "");
    }

    #[test]
    fn a_chart_of_nothing_has_lines_and_no_columns() {
        let chart = Chart::stacked(&[("good", vec![0.0; 3])], &[], number);
        assert_eq!((chart.bars.len(), chart.lines.len()), (0, 2));
        assert_eq!(Chart::stacked(&[], &[], number).bars, []);
        assert_eq!(Chart::stacked(&[("good", vec![0.0; 3])], &[], number).over(&[]).below, []);
    }

    #[test]
    fn spans_far_apart_are_told_apart_and_none_leaves_the_plot() {
        let lines = [(1.0, "1".to_owned()), (60.0, "60".to_owned()), (3_600.0, "3600".to_owned())];
        let chart = Chart::stepped(&[("p90", vec![0.5, 60.0, 9_999.0])], &lines);
        let heights: Vec<_> = chart.bars.iter().map(|bar| bar.height.as_str()).collect();
        assert_eq!(heights, ["20.0", "80.0", "120.0"]);
        assert_eq!(chart.lines.len(), 3);
        assert_eq!(
            Chart::stepped(&[("p90", vec![0.5])], &lines).lines.len(),
            2,
            "no more lines than are needed, and two"
        );
    }

    #[test]
    fn the_top_is_a_number_that_people_say() {
        let tops = [0.0, 1.0, 2.0, 3.0, 5.0, 11.0, 399.0, 401.0].map(nice_above);
        assert_eq!(tops, [2.0, 2.0, 2.0, 4.0, 10.0, 20.0, 400.0, 1_000.0]);
    }
}
