//! What `docs/scaling.md` shows of a run: a table of every drain beside its simulation, and three plots.

use std::{fmt::Write as _, path::Path};

use super::{
    APART, Database, IN_FLIGHT, LATENCIES, OF_REPLICAS, Outcome,
    drains::{Rates, Setting},
    marks,
    plots::{Chart, Line},
    simulation::Costs,
};

/// The command that writes it.
const COMMAND: &str = "make bench-scaling";

/// A drain beside what the simulation makes of it, in messages a second.
#[derive(Debug)]
pub(crate) struct Drained {
    pub(crate) database: Database,
    pub(crate) setting: Setting,
    pub(crate) rates: Rates,
    pub(crate) simulated: f64,
}

#[derive(Debug)]
pub(crate) struct Page {
    head: String,
    pub(crate) drained: Vec<Drained>,
    /// Of each latency the messages a second of [`APART`] replicas.
    pub(crate) predicted: Vec<(u64, [f64; APART.len()])>,
}

impl Page {
    pub(crate) fn new(facts: String, rounds: usize) -> Self {
        let head = format!("Command: `{COMMAND}`. {facts}. {rounds} rounds, one at 500 ms; median (lowest–highest).\n");
        Self { head, drained: Vec::new(), predicted: Vec::new() }
    }

    /// What the simulation computes with.
    pub(crate) fn costs(&mut self, database: Database, costs: &Costs) {
        let Costs { transaction, row, call } = costs;
        let _ = writeln!(
            self.head,
            "\nCommit, {database}: {transaction} µs a transaction and {row} µs more for each event in it. Call, as \
             calibrated: {call} µs of a core, with all that an event's run computes."
        );
    }

    /// Replaces what an earlier run wrote.
    pub(crate) fn write(&self) -> Outcome<()> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/plots");
        std::fs::create_dir_all(&folder)?;
        let mut text = format!("{}\n{}", self.head, self.table());
        for (name, chart) in [("drains", self.drains()), ("replicas", self.replicas()), ("machines", self.machines())] {
            std::fs::write(folder.join(format!("{name}.svg")), chart.svg())?;
            let _ = writeln!(text, "\n![{}](plots/{name}.svg)", chart.title);
        }
        marks::write("scaling.md", COMMAND, &text)
    }

    fn table(&self) -> String {
        let mut table =
            "| database | bridges | ERP answers in | max_in_flight | new people a second, µs of the bridges each | \
                         messages a second, µs | simulated messages |\n| --- | --- | --- | --- | --- | --- | --- |\n"
                .to_owned();
        for Drained { database, setting: Setting { replicas, latency, in_flight }, rates, simulated } in &self.drained {
            let off = (simulated / rates.messages.median() - 1.0) * 100.0;
            let _ = writeln!(
                table,
                "| {database} | {replicas} | {latency} ms | {in_flight} | {}, {:.0} µs | {}, {:.0} µs | {simulated:.1} \
                 ({off:+.0} %) |",
                rates.people.words(1),
                rates.people_us.median(),
                rates.messages.words(1),
                rates.messages_us.median(),
            );
        }
        table
    }

    /// Messages a second in a setting: measured, and simulated.
    fn rate(&self, database: Database, setting: Setting) -> (f64, f64) {
        let found = self.drained.iter().find(|drained| (drained.database, drained.setting) == (database, setting));
        found.map_or((f64::NAN, f64::NAN), |drained| (drained.rates.messages.median(), drained.simulated))
    }

    fn drains(&self) -> Chart {
        let line = |database: Database, in_flight: usize| {
            let setting = |latency| Setting { replicas: 1, latency, in_flight };
            let values = LATENCIES.map(|latency| self.rate(database, setting(latency)).0);
            let line = Line::new(format!("{database}, max_in_flight {in_flight}"), values);
            if database == Database::Sqlite { line.dashed() } else { line }
        };
        let databases = [Database::Postgres, Database::Sqlite];
        Chart {
            title: "Messages that one bridge drains".to_owned(),
            x: "the ERP answers in".to_owned(),
            y: "messages a second".to_owned(),
            places: LATENCIES.map(|latency| format!("{latency} ms")).to_vec(),
            is_logarithmic: true,
            lines: databases.iter().flat_map(|it| IN_FLIGHT.map(|in_flight| line(*it, in_flight))).collect(),
        }
    }

    fn replicas(&self) -> Chart {
        let line = |latency: u64| {
            let setting = |replicas| Setting { replicas, latency, in_flight: IN_FLIGHT[0] };
            let rates = [1, 2, 3].map(|replicas| self.rate(Database::Postgres, setting(replicas)));
            let measured = Line::new(format!("ERP {latency} ms"), rates.map(|(measured, _)| measured));
            let simulated = Line::new(format!("ERP {latency} ms, simulated"), rates.map(|(_, simulated)| simulated));
            [measured, simulated.dashed()]
        };
        Chart {
            title: "Messages that replicas on one machine drain".to_owned(),
            x: format!("bridges on one PostgreSQL, max_in_flight {} each", IN_FLIGHT[0]),
            y: "messages a second".to_owned(),
            places: [1, 2, 3].map(|replicas: usize| replicas.to_string()).to_vec(),
            is_logarithmic: false,
            lines: OF_REPLICAS.into_iter().flat_map(line).collect(),
        }
    }

    fn machines(&self) -> Chart {
        let line =
            |(latency, rates): &(u64, [f64; APART.len()])| Line::new(format!("ERP {latency} ms"), *rates).dashed();
        Chart {
            title: "Messages that replicas on machines of their own would drain (simulated)".to_owned(),
            x: format!("bridges on one PostgreSQL, max_in_flight {} each", IN_FLIGHT[0]),
            y: "messages a second".to_owned(),
            places: APART.map(|replicas| replicas.to_string()).to_vec(),
            is_logarithmic: true,
            lines: self.predicted.iter().map(line).collect(),
        }
    }
}
