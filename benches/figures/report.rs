//! The table that a command writes into `docs/performance.md`, and the plots below it.

use std::{fmt::Write as _, path::PathBuf};

use super::{Group, Options, Outcome, marks, plots::Chart};

/// The table in the making.
#[derive(Debug)]
pub(crate) struct Report {
    command: &'static str,
    rows: String,
    facts: String,
    /// How often and how long.
    rounds: String,
    /// Where plots go, if any are drawn.
    plots: Option<PathBuf>,
    drawn: String,
}

impl Report {
    pub(crate) fn new(options: &Options, command: &'static str, facts: String) -> Self {
        let Options { rounds, seconds, .. } = options;
        let rounds = match options.groups.as_slice() {
            [Group::Flat] => format!("{seconds} seconds at a given rate, in ten stretches"),
            _ => format!(
                "{rounds} rounds of {seconds} seconds, contestants in turn; median (lowest–highest), ratios within one round"
            ),
        };
        Self { command, rows: String::new(), facts, rounds, plots: options.plots(), drawn: String::new() }
    }

    /// Adds a row, and shows it at once.
    pub(crate) fn row(&mut self, figure: &str, goal: &str, measured: &str) {
        println!("{figure}: {measured} (goal: {goal})");
        let _ = writeln!(self.rows, "| {figure} | {goal} | {measured} |"); // writing to a String cannot fail
    }

    /// Whether plots are drawn: what only they show need not be measured otherwise.
    pub(crate) fn is_drawn(&self) -> bool {
        self.plots.is_some()
    }

    /// Draws a plot into a file of this name.
    pub(crate) fn plot(&mut self, name: &str, chart: &Chart) -> Outcome<()> {
        let Some(folder) = &self.plots else { return Ok(()) };
        std::fs::create_dir_all(folder)?;
        std::fs::write(folder.join(format!("{name}.svg")), chart.svg())?;
        let _ = writeln!(self.drawn, "\n![{}](plots/{name}.svg)", chart.title); // writing to a String cannot fail
        Ok(())
    }

    /// Everything, in Markdown.
    pub(crate) fn table(&self) -> String {
        format!(
            "Command: `{}`. {}. {}.\n\n| figure | goal | measured |\n| --- | --- | --- |\n{}{}",
            self.command, self.facts, self.rounds, self.rows, self.drawn
        )
    }

    /// Replaces what the command wrote into `docs/performance.md` before.
    pub(crate) fn write(&self) -> Outcome<()> {
        marks::write("performance.md", self.command, &self.table())
    }
}
