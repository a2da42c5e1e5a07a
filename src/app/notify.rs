//! Builds what tells others: the write-back to the platform, and the alerts to people.

use std::sync::Arc;

use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use super::{StartError, replicas::Replicas};
use crate::{
    clock::Clock,
    config::Config,
    erp::Erp,
    http::keys::Keyring,
    lifecycle::VitalTasks,
    notify::{
        Poster, WriteBackSender,
        alerts::{AlertParts, AlertWatch, Local, LocalFacts, OldSecret, TARGET_TIMEOUT},
    },
    store::{Addressee, Store, WriteBack},
    worker::{Dispatcher, Pause},
};

/// Those who tell others, as far as anybody is to be told.
pub(super) struct Others {
    pub(super) write_back: Option<Arc<WriteBackSender>>,
    pub(super) alerts: Option<Arc<AlertWatch>>,
}

/// Who is told anything at all.
pub(super) fn told(config: &Config) -> Vec<Addressee> {
    let is_told = |to: &Addressee| match to {
        Addressee::Platform => config.writeback.url.is_some(),
        Addressee::People => !config.alerts.targets.is_empty(),
    };
    Addressee::ALL.into_iter().filter(is_told).collect()
}

/// From here on the ledger writes down what the platform is to be told, if it is to be told anything.
pub(super) fn want_write_back(config: &Config, store: &Store) {
    if config.writeback.url.is_some() {
        store.write_back(WriteBack { succeeded: config.writeback.succeeded });
    }
}

/// Builds them; from here on the ledger writes down what the platform is to be told.
pub(super) fn build(config: &Config, store: &Store, clock: &Clock, known: Known) -> Result<Others, StartError> {
    want_write_back(config, store);
    let write_back = match (config.writeback.url.clone(), config.writeback.secret.clone()) {
        (Some(url), Some(secret)) => Some(Arc::new(WriteBackSender {
            store: store.clone(),
            clock: clock.clone(),
            url,
            secret,
            schedule: config.retry.schedule.clone(),
            timeout: config.writeback.timeout,
            poster: Poster::new(config.writeback.timeout, &config.outbound.authorities).map_err(StartError::Sender)?,
        })),
        _ => None,
    };
    let alerts = if config.alerts.targets.is_empty() {
        None
    } else {
        Some(Arc::new(AlertWatch::new(AlertParts {
            store: store.clone(),
            clock: clock.clone(),
            config: config.alerts.clone(),
            public_url: config.console.public_url.clone(),
            silence_after: config.webhook.silence_after,
            min_free_disk: config.database.min_free_disk,
            tells_platform: config.writeback.url.is_some(),
            local: Arc::new(known),
            poster: Poster::new(TARGET_TIMEOUT, &config.outbound.authorities).map_err(StartError::Sender)?,
        })))
    };
    Ok(Others { write_back, alerts })
}

impl Others {
    /// Runs them until `stop`, and cuts them at `hard_stop`: what was under way is sent again.
    pub(super) fn set_to_work(&self, tasks: &VitalTasks, stop: &CancellationToken, hard_stop: &CancellationToken) {
        if let Some(sender) = self.write_back.clone() {
            let run = hard_stop.clone().run_until_cancelled_owned(sender.run(stop.clone()));
            tasks.spawn("the write-back", async move { _ = run.await });
        }
        if let Some(watch) = self.alerts.clone() {
            let run = hard_stop.clone().run_until_cancelled_owned(watch.run(stop.clone()));
            tasks.spawn("the alerts", async move { _ = run.await });
        }
    }
}

/// What this process knows by itself.
pub(super) struct Known {
    pub(super) dispatcher: Arc<Dispatcher>,
    pub(super) keys: Arc<Keyring>,
    pub(super) erp: Erp,
    pub(super) replicas: Arc<Replicas>,
}

impl LocalFacts for Known {
    fn local(&self) -> BoxFuture<'_, Local> {
        Box::pin(async {
            let (login_refused, circuit_open) = (self.erp.last_refusal().await, self.replicas.circuit_open());
            let secrets = self.keys.current();
            let old = secrets.secrets.uses().skip(1);
            let paused = self.dispatcher.paused();
            Local {
                is_at_rest: paused.as_ref().is_some_and(Pause::is_wanted),
                stands_still: paused.is_some() || login_refused.is_some() || circuit_open,
                login_refused,
                circuit_open,
                blocks: self.dispatcher.blocks(),
                old_secrets: old
                    .map(|secret| OldSecret { fingerprint: secret.fingerprint, last_used_at: secret.last_used_at })
                    .collect(),
            }
        })
    }
}
