//! `erp-bridge survey`: the survey against the configured ERP, and the ledger's newest one as evidence for the client.

use std::{sync::Arc, time::Duration};

use super::check::account_sessions;
use crate::{
    clock::Clock,
    config::Config,
    erp::{Erp, MemorySessions, Shown},
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
    let erp = Erp::new(&config.erp, clock.clone(), account_sessions(store.as_ref().ok()));
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
    let second = Erp::new(&config.erp, clock.clone(), Arc::new(MemorySessions::default()));
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
pub(super) async fn newest_survey(store: &Store, config: &Config) -> Option<Report> {
    let text = store.newest_survey(config.erp.base_url.as_str()).await.ok().flatten()?;
    // What an earlier program wrote in another form is as good as none.
    json::read_text(&text).ok()
}

/// Tells the client what the newest survey saw: a list of records that was closed need not be found closed again, and an
/// installation that showed an edit shows edits. Everything else is as without a survey.
pub(super) async fn believe_newest_survey(store: &Store, config: &Config, erp: &Erp) {
    let Some(report) = newest_survey(store, config).await else { return };
    let closed = report.fact("right.progress.list").filter(|fact| report.refutes(&fact.code));
    if let Some(fact) = closed {
        erp.believe_progress_closed(&format!("closed when surveyed ({})", fact.how));
    }
    if report.holds("edit.shows") {
        erp.note_shown(Shown::Edit);
    }
    tracing::info!(survey.at = %report.measured.surveyed_at, "a survey of this ERP is in the ledger");
}
