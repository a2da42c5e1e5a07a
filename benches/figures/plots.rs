//! Line charts as SVG, written by hand: a drawing package would be compiled into everything that is tested. The x axis has
//! a place for each of its words, evenly; the y axis is linear from nothing, or logarithmic. The colours and the grey of the
//! text are of middle tones, which can be read on white and on black.

use std::fmt::Write as _;

const WIDTH: f64 = 840.0;
const HEIGHT: f64 = 380.0;
/// Where the drawing itself lies: left, top, right, bottom. Right of it stands the legend.
const FRAME: (f64, f64, f64, f64) = (80.0, 50.0, 540.0, 320.0);
const GREY: &str = "#767676";
const COLOURS: [&str; 6] = ["#2f7fc1", "#d07020", "#2a9160", "#a45ab8", "#c04848", "#8a8420"];
/// A linear axis has about so many steps.
const STEPS: f64 = 5.0;

/// A chart.
#[derive(Debug, Clone)]
pub(crate) struct Chart {
    pub(crate) title: String,
    /// What the axes show, with the unit.
    pub(crate) x: String,
    pub(crate) y: String,
    pub(crate) places: Vec<String>,
    pub(crate) is_logarithmic: bool,
    pub(crate) lines: Vec<Line>,
}

/// A line: a value for each place of the x axis, `NaN` where there is none.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) values: Vec<f64>,
    pub(crate) is_dashed: bool,
}

impl Line {
    pub(crate) fn new(name: impl Into<String>, values: impl IntoIterator<Item = f64>) -> Self {
        Self { name: name.into(), values: values.into_iter().collect(), is_dashed: false }
    }

    /// The same, dashed: what was not measured, or the second of two kinds.
    pub(crate) fn dashed(self) -> Self {
        Self { is_dashed: true, ..self }
    }
}

impl Chart {
    /// The whole file.
    pub(crate) fn svg(&self) -> String {
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
             role=\"img\" font-family=\"sans-serif\" font-size=\"12\" fill=\"{GREY}\">\n<title>{}</title>\n",
            escaped(&self.title)
        );
        let (left, top, right, bottom) = FRAME;
        let middle = f64::midpoint(left, right);
        text(&mut svg, (left, 24.0), "start", "font-size=\"15\" font-weight=\"bold\"", &self.title);
        text(&mut svg, (left, top - 10.0), "start", "", &self.y);
        text(&mut svg, (middle, HEIGHT - 16.0), "middle", "", &self.x);
        let ticks = self.ticks();
        for tick in &ticks {
            let y = self.height_of(*tick, &ticks);
            let _ = writeln!(
                svg,
                "<line x1=\"{left}\" x2=\"{right}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"{GREY}\" stroke-opacity=\"0.3\"/>"
            );
            text(&mut svg, (left - 8.0, y + 4.0), "end", "", &number(*tick));
        }
        for (place, word) in self.places.iter().enumerate() {
            text(&mut svg, (self.place_of(place), bottom + 20.0), "middle", "", word);
        }
        for (index, line) in self.lines.iter().enumerate() {
            self.draw(&mut svg, index, line, &ticks);
        }
        svg.push_str("</svg>\n");
        svg
    }

    /// A line with its points, each of which tells its value, and its entry in the legend.
    fn draw(&self, svg: &mut String, index: usize, line: &Line, ticks: &[f64]) {
        let colour = COLOURS[index % COLOURS.len()];
        let dashes = if line.is_dashed { " stroke-dasharray=\"6 4\"" } else { "" };
        let points: Vec<(f64, f64, f64)> = (line.values.iter().enumerate())
            .filter(|(_, value)| self.can_show(**value))
            .map(|(place, value)| (self.place_of(place), self.height_of(*value, ticks), *value))
            .collect();
        let path: Vec<String> = points.iter().map(|(x, y, _)| format!("{x:.1},{y:.1}")).collect();
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"{dashes}/>",
            path.join(" ")
        );
        for (x, y, value) in points {
            let told = format!("{}: {}", escaped(&line.name), number(value));
            let _ = writeln!(
                svg,
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\" fill=\"{colour}\"><title>{told}</title></circle>"
            );
        }
        let (x, y) = (FRAME.2 + 20.0, FRAME.1 + 20.0 * count(index));
        let _ = writeln!(
            svg,
            "<line x1=\"{x}\" x2=\"{}\" y1=\"{y}\" y2=\"{y}\" stroke=\"{colour}\" stroke-width=\"2\"{dashes}/>",
            x + 24.0
        );
        text(svg, (x + 32.0, y + 4.0), "start", "", &line.name);
    }

    fn can_show(&self, value: f64) -> bool {
        value.is_finite() && (value > 0.0 || !self.is_logarithmic)
    }

    /// The marks of the y axis, rising; all values lie between the first and the last.
    fn ticks(&self) -> Vec<f64> {
        let values = || self.lines.iter().flat_map(|line| &line.values).copied().filter(|value| self.can_show(*value));
        let highest = values().fold(0.0, f64::max);
        if highest <= 0.0 {
            return if self.is_logarithmic { vec![1.0, 10.0] } else { vec![0.0, 1.0] };
        }
        if !self.is_logarithmic {
            let step = round_above(highest / STEPS);
            let mut ticks = vec![0.0];
            while ticks[ticks.len() - 1] < highest {
                ticks.push(step * count(ticks.len()));
            }
            return ticks;
        }
        let lowest = values().fold(highest, f64::min);
        let mut ticks = vec![10_f64.powf(lowest.log10().floor())];
        while ticks[ticks.len() - 1] < highest {
            // A hair more, and the next of 1, 2, 5, 10 is the next one.
            ticks.push(round_above(ticks[ticks.len() - 1] * 1.01));
        }
        let first = ticks.iter().rposition(|tick| *tick <= lowest).unwrap_or_default();
        ticks.split_off(first)
    }

    fn height_of(&self, value: f64, ticks: &[f64]) -> f64 {
        let scale = |value: f64| if self.is_logarithmic { value.log10() } else { value };
        let (low, high) = (scale(ticks[0]), scale(ticks[ticks.len() - 1]));
        let share = if high > low { (scale(value) - low) / (high - low) } else { 0.5 };
        FRAME.3 - share * (FRAME.3 - FRAME.1)
    }

    fn place_of(&self, place: usize) -> f64 {
        FRAME.0 + (count(place) + 0.5) / count(self.places.len()) * (FRAME.2 - FRAME.0)
    }
}

/// A count as a place on an axis.
#[expect(clippy::cast_precision_loss, reason = "small counts")]
pub(crate) fn count(number: usize) -> f64 {
    number as f64
}

/// The next of 1, 2, 5, 10 times a power of ten.
fn round_above(value: f64) -> f64 {
    let power = 10_f64.powf(value.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|step| step * power).find(|round| *round >= value * 0.999).unwrap_or(value)
}

fn text(svg: &mut String, (x, y): (f64, f64), anchor: &str, style: &str, words: &str) {
    let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" {style}>{}</text>", escaped(words));
}

fn escaped(words: &str) -> String {
    words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// `12,345` · `42` · `0.07`: three digits at least, and no more than say something.
pub(crate) fn number(value: f64) -> String {
    if value < 100.0 {
        let digits = if value < 1.0 { 3 } else { 1 };
        let text = format!("{value:.digits$}");
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
