//! The watch: looks every few seconds, has the rules decide, and delivers what they say. Of several replicas one watches; what
//! was told, and how much each robot was sent, stands in the ledger, so that neither a restart nor a change of the watch
//! repeats or exceeds anything.

use std::{sync::Arc, time::Duration};

use futures::future::BoxFuture;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{
    budget::Budgets,
    robots::{Verdict, judge, request},
    rules::{Told, step},
    sightings::{Facts, Local, sightings},
    summary,
};
use crate::{
    clock::{Clock, Millis},
    config::{AlertTarget, AlertsConfig, BaseUrl, Config},
    json,
    notify::{
        post::Poster,
        schedule::{again_or_dead, spread},
    },
    store::{Addressee, Delivery, Message, NewMessage, Store, StoreError, Waits},
    telemetry::metrics,
};

/// How often it looks.
const ROUND: Duration = Duration::from_secs(10);
/// How long a target may take to answer.
pub const TARGET_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the watch, and a message under way, is one replica's: longer than ten targets take.
const LEASE: Duration = Duration::from_secs(150);
/// A target is left alone for no longer than this; more is from before the clock was set back.
const BUSY_MAX: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);
/// Between two messages: a robot of 飞书 takes five a second.
const SPACING: Duration = Duration::from_millis(250);
/// When an alert that no target took is sent again: within the hour, as all others wait behind it, and nobody wants to be
/// told tomorrow of what is wrong today.
const SCHEDULE: [Duration; 15] = {
    let mut pauses = [Duration::from_secs(300); 15];
    pauses[0] = Duration::from_secs(10);
    pauses[1] = Duration::from_secs(30);
    pauses[2] = Duration::from_secs(60);
    pauses[3] = Duration::from_secs(120);
    pauses
};

/// What a process knows by itself, and of the ERP's login; implemented by `app/notify.rs`.
pub trait LocalFacts: Send + Sync {
    /// As it is now.
    fn local(&self) -> BoxFuture<'_, Local>;
}

/// What a watch is made of.
pub struct AlertParts {
    /// The ledger.
    pub store: Store,
    /// The time.
    pub clock: Clock,
    /// `[alerts]`
    pub config: AlertsConfig,
    /// Under which people reach the console.
    pub public_url: Option<BaseUrl>,
    /// `webhook.silence_after`
    pub silence_after: Duration,
    /// `database.min_free_disk`
    pub min_free_disk: u64,
    /// Whether the platform is told anything (`writeback.url`).
    pub tells_platform: bool,
    /// What this process knows.
    pub local: Arc<dyn LocalFacts>,
    /// Sends the messages.
    pub poster: Poster,
}

/// Watches over what is wrong, and tells people.
pub struct AlertWatch {
    parts: AlertParts,
    holder: String,
    budgets: Budgets,
}

impl AlertWatch {
    /// A watch that has not begun.
    pub fn new(parts: AlertParts) -> Self {
        Self { parts, holder: uuid::Uuid::new_v4().to_string(), budgets: Budgets::default() }
    }

    /// Sends every target a test message, all at once (`POST /v1/alerts/test`), as far as it was not sent too much already.
    pub async fn try_targets(&self) -> Vec<Tried> {
        let now = self.parts.clock.now();
        let tries = self.parts.config.targets.iter().map(|target| self.try_one(target, now));
        futures::future::join_all(tries).await
    }

    async fn try_one(&self, target: &AlertTarget, now: Millis) -> Tried {
        if self.budgets.take_for_test(&target.fingerprint(), now) {
            return try_target(&self.parts.poster, target, self.parts.clock.machine()).await;
        }
        let words = "一分钟内发送已达上限，请稍后再试 (it was sent as much as goes in a minute: try again later)";
        Tried::of(target, Some(words.to_owned()))
    }

    /// Watches until `stop` is cancelled.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        while !stop.is_cancelled() {
            if let Err(error) = self.round().await {
                tracing::warn!(%error, "the alerts could not be looked after; it is tried again");
            }
            let _ = tokio::time::timeout(ROUND, stop.cancelled()).await;
        }
        if let Err(error) = self.parts.store.release_watch(&self.holder).await {
            tracing::debug!(%error, "the watch over the alerts is free when its lease is over");
        }
    }

    /// One look, and the delivery of what is due.
    ///
    /// # Errors
    /// The ledger is away.
    pub async fn round(&self) -> Result<(), StoreError> {
        let Some(mut told) = self.take().await? else { return Ok(()) };
        let looked = self.look_and_keep(&mut told).await;
        // What cannot be looked at or written down now keeps nobody from hearing what was seen before. It may have been
        // written all the same: what was told is what the ledger says.
        if looked.is_err() {
            match self.take().await? {
                Some(kept) => told = kept,
                None => return looked,
            }
        }
        self.deliver(&mut told).await.and(looked)
    }

    /// What was told so far, if the watch is this one's. Of what cannot be read, nothing.
    async fn take(&self) -> Result<Option<Told>, StoreError> {
        let Some(state) = self.parts.store.take_watch(&self.holder, LEASE).await? else { return Ok(None) };
        let told = if state.is_empty() { Ok(Told::default()) } else { json::read_text(&state) };
        Ok(Some(told.unwrap_or_else(|error| {
            tracing::error!(%error, "what was told so far cannot be read; what is wrong is told once more");
            Told::default()
        })))
    }

    async fn look_and_keep(&self, told: &mut Told) -> Result<(), StoreError> {
        let before = told.clone();
        let messages = self.look(told).await?;
        if *told == before { Ok(()) } else { self.keep(told, messages).await }
    }

    /// What is to be told now.
    async fn look(&self, told: &mut Told) -> Result<Vec<NewMessage>, StoreError> {
        let (config, now) = (&self.parts.config, self.parts.clock.now());
        let seen = sightings(&self.facts(now).await?, config);
        let notices = step(told, &seen, now, config.interval, config.clear_after);
        let mut messages: Vec<NewMessage> =
            notices.iter().map(|notice| alert(notice.kind, notice.data(self.link(&notice.path)))).collect();
        if config.daily_summary.is_some_and(|at| summary::is_due(told, at, now)) {
            let day = self.parts.store.summary_since(now.minus(DAY)).await?;
            let standing = told.causes.values().filter(|known| known.is_told).map(|known| known.title.as_str());
            let data = summary::data(&day, &standing.collect::<Vec<_>>(), now, self.link(""));
            messages.push(alert("alert.summary", data));
        }
        Ok(messages)
    }

    async fn facts(&self, now: Millis) -> Result<Facts, StoreError> {
        let store = &self.parts.store;
        let figures = store.figures().await?;
        // What nobody is there to deliver any more is nothing to be alarmed at: it goes with `retention.outbox`.
        let outbox =
            if self.parts.tells_platform { store.outbox_waits(Addressee::Platform).await? } else { Waits::default() };
        Ok(Facts {
            now,
            local: self.parts.local.local().await,
            troubles: store.troubles().await?,
            oldest_waiting: figures.oldest_queued,
            last_webhook_at: figures.last_webhook_at,
            silence_after: self.parts.silence_after,
            pauses: store.pauses().await?,
            is_full: store.is_full(),
            disk: store.free_disk().map(|free| (free, self.parts.min_free_disk)),
            oldest_message: outbox.oldest,
            dead_messages: outbox.dead,
        })
    }

    fn link(&self, path: &str) -> Option<String> {
        self.parts.public_url.as_ref().map(|url| format!("{url}/console{path}"))
    }

    async fn keep(&self, told: &Told, messages: Vec<NewMessage>) -> Result<(), StoreError> {
        self.parts.store.keep_watch(&self.holder, &json!(told).to_string(), messages).await
    }

    /// Delivers, in order, what the budgets allow.
    async fn deliver(&self, told: &mut Told) -> Result<(), StoreError> {
        let store = &self.parts.store;
        while let Some(message) = store.claim_messages(Addressee::People, 1, LEASE).await?.pop() {
            let delivery = self.send(&message, told).await?;
            metrics::delivered(Addressee::People.as_str(), delivery.as_str());
            let cause = message.data["cause"].as_str().unwrap_or_default();
            match &delivery {
                Delivery::Taken if told.was_taken(&message.kind, cause) => self.keep(told, Vec::new()).await?,
                Delivery::Dead(words) => {
                    tracing::error!(outbox.id = %message.id, words, "no target takes an alert; GET /v1/outbox lists it");
                    told.was_not_taken(&message.kind, cause, self.parts.clock.now());
                    self.keep(told, Vec::new()).await?;
                }
                Delivery::Again(words, _) if message.attempts == 1 => {
                    tracing::error!(outbox.id = %message.id, words, "no target takes an alert; it is tried again");
                }
                _ => {}
            }
            store.settle_message(&message, &delivery).await?;
            tokio::time::sleep(SPACING).await;
        }
        Ok(())
    }

    /// Brings a message to the first target that takes it.
    async fn send(&self, message: &Message, told: &mut Told) -> Result<Delivery, StoreError> {
        let targets = &self.parts.config.targets;
        let keys: Vec<String> = targets.iter().map(AlertTarget::fingerprint).collect();
        told.robots.retain(|key, _| keys.contains(key));
        let (mut refusals, mut free_again, mut is_final, mut was_sent) =
            (Vec::<String>::new(), None::<Millis>, true, false);
        for (target, key) in targets.iter().zip(keys) {
            let now = self.parts.clock.now();
            let robot = told.robots.entry(key.clone()).or_default();
            let rests = if robot.busy.since(now) > BUSY_MAX { now } else { robot.busy };
            let free_at = self.budgets.next_at(&key, &robot.sent, now).max(rests);
            if free_at > now {
                free_again = Some(free_again.map_or(free_at, |earliest| earliest.min(free_at)));
                continue;
            }
            // Noted before it is sent: whoever takes the watch over after a crash counts it too.
            self.budgets.note(&key, &mut robot.sent, now);
            self.keep(told, Vec::new()).await?;
            was_sent = true;
            // Who takes it holds its signature against the time of day.
            let words = match bring(&self.parts.poster, target, message, self.parts.clock.machine()).await {
                Verdict::Taken => {
                    note_refusals(message, &refusals);
                    return Ok(Delivery::Taken);
                }
                Verdict::Busy(rest, words) => {
                    let free_at = now.plus(rest.min(BUSY_MAX));
                    told.robots.entry(key).or_default().busy = free_at;
                    self.keep(told, Vec::new()).await?;
                    free_again = Some(free_again.map_or(free_at, |earliest| earliest.min(free_at)));
                    words
                }
                Verdict::Refused { words, for_ever } => {
                    is_final &= for_ever;
                    words
                }
            };
            refusals.push(format!("{} {}: {words}", target.kind.as_str(), target.url.host()));
        }
        let (now, words) = (self.parts.clock.now(), refusals.join("; "));
        match free_again {
            // No try: nobody was asked.
            Some(at) if !was_sent => Ok(Delivery::Later(at)),
            // A robot that always says that it is sent too much holds up all others for no longer than one that is away.
            Some(at) => {
                let rest = Some(at.since(now));
                Ok(again_or_dead(&SCHEDULE, message.attempts, rest, now, spread(message.seq), words))
            }
            None if is_final => Ok(Delivery::Dead(words)),
            None => Ok(again_or_dead(&SCHEDULE, message.attempts, None, now, spread(message.seq), words)),
        }
    }
}

/// A target took what those before it did not. Where none takes it that is said once, with all of their words.
fn note_refusals(message: &Message, refusals: &[String]) {
    if !refusals.is_empty() {
        let words = refusals.join("; ");
        tracing::warn!(outbox.id = %message.id, words, "an alert went to a later target");
    }
}

fn alert(kind: &str, data: serde_json::Value) -> NewMessage {
    NewMessage { to: Addressee::People, kind: kind.to_owned(), data, event_id: None, contact_id: None }
}

async fn bring(poster: &Poster, target: &AlertTarget, message: &Message, now: Millis) -> Verdict {
    let request = request(target, message, now);
    judge(target.kind, poster.post(&request.url, request.headers, request.body).await)
}

/// What a target made of a test message.
#[derive(Debug)]
pub struct Tried {
    /// `wecom`, `dingtalk` …
    pub kind: &'static str,
    /// Where it is, without its key.
    pub host: String,
    /// Why it did not take it, if it did not.
    pub refusal: Option<String>,
}

impl Tried {
    fn of(target: &AlertTarget, refusal: Option<String>) -> Self {
        Self { kind: target.kind.as_str(), host: target.url.host().to_owned(), refusal }
    }
}

/// Sends every target a test message, all at once (`erp-bridge alert --test`), whatever a bridge at work sends them.
///
/// # Errors
/// TLS that cannot be set up.
pub async fn try_targets(config: &Config, clock: &Clock) -> Result<Vec<Tried>, String> {
    let (poster, now) = (Poster::new(TARGET_TIMEOUT, &config.outbound.authorities)?, clock.now());
    let tries = config.alerts.targets.iter().map(|target| try_target(&poster, target, now));
    Ok(futures::future::join_all(tries).await)
}

async fn try_target(poster: &Poster, target: &AlertTarget, now: Millis) -> Tried {
    let title = "ERP Bridge 测试消息，收到即配置正确 (a test: whoever reads this is told of alerts)";
    let id = uuid::Uuid::now_v7().to_string();
    let message = Message::unwritten(&id, "alert.test", json!({ "title": title }), now);
    let refusal = match bring(poster, target, &message, now).await {
        Verdict::Taken => None,
        Verdict::Busy(_, words) | Verdict::Refused { words, .. } => Some(words),
    };
    Tried::of(target, refusal)
}
