//! Learning an installation where it runs: a survey asks the ERP, reading only unless it may write one customer, and writes
//! down which facts of `erp-wire.md` hold there. Its report and its profile can be handed on: they hold codes, counts and
//! shapes, and no name, number or text of a customer.
//!
//! `looker` asks and notes the form of answers, `tree` reads them for their form; `customers`, `others` and `writing` look at one
//! group of interfaces each; `report` is what was found, `profile` what a simulator plays back, `words` what people read.

mod customers;
mod looker;
mod others;
mod profile;
mod report;
mod tree;
mod words;
mod writing;

use std::time::Duration;

use crate::{
    clock::Clock,
    erp::{Erp, ErpError, plain_version},
};

use self::looker::Looker;
pub(crate) use self::writing::WriteOne;
pub use self::{
    profile::profile,
    report::{Fact, Measured, Outcome, Report, Sample, SeenCategory, SeenChoice, Shapes},
    words::{label, table},
};

/// How to survey.
pub(crate) struct Options {
    /// Between two calls.
    pub(crate) pause: Duration,
    /// Whether one customer may be written, and with what.
    pub(crate) write_one: Option<WriteOne>,
}

/// Surveys an installation.
///
/// # Errors
///
/// A login that is refused, an ERP that cannot be reached, or a session that does not last.
pub(crate) async fn survey(erp: &Erp, clock: &Clock, options: &Options) -> Result<Report, ErpError> {
    let version = erp.check_login().await?.app_version.unwrap_or_default();
    let mut report = Report::default();
    let mut looker = Looker::new(erp, clock, options.pause);
    others::choices(&mut looker, &mut report).await?;
    let known = customers::look(&mut looker, &mut report).await?;
    others::contacts(&mut looker, &mut report, &known).await?;
    others::records(&mut looker, &mut report, &known).await?;
    others::accounts(&mut looker, &mut report).await?;
    others::session(&mut looker, &mut report).await?;
    if let Some(write) = &options.write_one {
        writing::look(&mut looker, &mut report, write).await;
    }
    note_form(&looker, &mut report);
    measure(&looker, &mut report, &version);
    Ok(report)
}

fn note_form(looker: &Looker<'_>, report: &mut Report) {
    let form = looker.form;
    report.note("answers.bom", form.bom);
    report.note("answers.raw_controls", form.raw_controls);
    report.note("answers.entities", form.entities);
    report.note("answers.numbers_as_strings", form.numbers_as_strings);
    report.note("answers.digits_as_numbers", form.digits_as_numbers);
    report.note("answers.rows_as_objects", form.rows.then_some(form.rows_as_objects));
    report.note("answers.row_without_array", form.rows.then_some(form.row_without_array));
}

fn measure(looker: &Looker<'_>, report: &mut Report, version: &str) {
    let mut took = looker.took_ms.clone();
    took.sort_unstable();
    let at = |share: usize| took.get((took.len() * share / 100).min(took.len().saturating_sub(1))).copied();
    let mut skews = looker.skews_s.clone();
    skews.sort_unstable();
    let measured = &mut report.measured;
    measured.surveyed_at = looker.clock.now().rfc3339();
    measured.app_version = plain_version(version);
    measured.calls = took.len();
    measured.latency_ms = [at(50), at(95), at(100)].map(Option::unwrap_or_default);
    measured.clock_skew_s = skews.get(skews.len() / 2).copied();
}
