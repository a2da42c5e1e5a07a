//! `erp-bridge survey`: the survey against the configured ERP, and the ledger's newest one as evidence for the client.

use std::{sync::Arc, time::Duration};

use super::check::account_sessions;
use crate::{
    clock::Clock,
    config::Config,
    erp::{Erp, Installation, MemorySessions},
    json,
    store::{InstanceLock, Store},
    survey::{Options, Report, WriteOne, survey},
};

/// A survey, and what became of it.
#[derive(Debug)]
pub struct Surveyed {
    /// What was found.
    pub report: Report,
    /// Why the ledger does not keep it, if it does not.
    pub not_kept: Option<String>,
}

/// Surveys the configured ERP, with `pause` between two calls, and lets the ledger keep the report.
///
/// # Errors
///
/// A sentence for whoever runs it: the login is refused, or the ERP cannot be reached.
pub async fn survey_erp(config: &Config, pause: Duration, write_one: bool) -> Result<Surveyed, String> {
    let clock = Clock::system();
    let instance_lock = InstanceLock::take(&config.database);
    let is_ours_alone = instance_lock.as_ref().is_ok_and(InstanceLock::is_held);
    let store = Store::open(&config.database, clock.clone(), is_ours_alone).await;
    let erp = Erp::new(&config.erp, &config.outbound.authorities, clock.clone(), account_sessions(store.as_ref().ok()));
    let erp = erp.map_err(|error| error.to_string())?;
    let write_one = if write_one { Some(written(config, &clock)?) } else { None };
    let report = survey(&erp, &clock, &Options { pause, write_one }).await.map_err(|error| error.to_string())?;
    let not_kept = match &store {
        Ok(store) => keep(store, config, &clock, &report).await.err(),
        Err(error) => Some(error.to_string()),
    };
    Ok(Surveyed { report, not_kept })
}

fn written(config: &Config, clock: &Clock) -> Result<WriteOne, String> {
    let values = &config.erp.values;
    // A memory of its own: it shall log in anew, and leave the ledger's session alone.
    let second =
        Erp::new(&config.erp, &config.outbound.authorities, clock.clone(), Arc::new(MemorySessions::default()));
    Ok(WriteOne {
        sort1: values.sort1.clone(),
        category: (values.sort.clone(), values.stage.clone()),
        second: second.map_err(|error| error.to_string())?,
    })
}

async fn keep(store: &Store, config: &Config, clock: &Clock, report: &Report) -> Result<(), String> {
    let text = serde_json::to_string(report).map_err(|error| error.to_string())?;
    let kept = store.save_survey(config.erp.base_url.as_str(), clock.now(), &text).await;
    kept.map_err(|error| error.to_string())
}

/// The ledger's newest survey of the configured ERP.
pub(super) async fn newest_survey(store: &Store, base_url: &str) -> Option<Report> {
    let text = store.newest_survey(base_url).await.ok().flatten()?;
    // What an earlier program wrote in another form is as good as none.
    json::read_text(&text).ok()
}

/// The same, for whoever asks for it.
///
/// # Errors
///
/// A sentence: the ledger cannot be opened, or has none.
pub async fn shown_survey(config: &Config) -> Result<Report, String> {
    let store = Store::open(&config.database, Clock::system(), false).await.map_err(|error| error.to_string())?;
    let newest = newest_survey(&store, config.erp.base_url.as_str()).await;
    store.close().await;
    newest.ok_or_else(|| {
        let erp = config.erp.base_url.as_str();
        format!("账本中没有 {erp} 的调查：请先运行 erp-bridge survey (the ledger has no survey of it: run erp-bridge survey)")
    })
}

/// Tells the client what the newest survey saw; without one it is as careful as it can be.
pub(super) async fn believe_newest_survey(store: &Store, base_url: &str, erp: &Erp) {
    let Some(report) = newest_survey(store, base_url).await else { return };
    erp.believe(installation(&report));
    tracing::info!(survey.at = %report.measured.surveyed_at, "a survey of this ERP is in the ledger");
}

/// The facts of a report that decide anything.
fn installation(report: &Report) -> Installation {
    let fact = |code: &str| match (report.holds(code), report.refutes(code)) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        _ => None,
    };
    let customers = report.shapes.columns.get("customers");
    let has_column = |id: &str| customers.map(|columns| columns.iter().any(|column| column.eq_ignore_ascii_case(id)));
    let closed = report.fact("right.progress.list").filter(|fact| report.refutes(&fact.code));
    Installation {
        app_version: report.measured.app_version.clone(),
        tells_places_apart: fact("customers.filter.stype"),
        // By what the client asks to have it sorted where it believes that.
        sorts_customers: fact("customers.sorts_by.khid"),
        finds_khid: fact("customers.filter.khid").map(|filters| filters || has_column("khid") == Some(true)),
        masks_details: fact("details.masked"),
        has_first_contacts: fact("contacts.first_contact"),
        shows_salesperson: has_column("catename"),
        shows_latest_record: match has_column("telintro") {
            Some(true) => fact("customers.telintro_shows_latest"),
            other => other,
        },
        shows_edits: fact("edit.shows"),
        progress_closed: closed.map(|fact| fact.how.clone()),
    }
}
