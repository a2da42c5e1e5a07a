//! Write-back (回写微信中台, `contract.md` §7): what happened to the platform's events, delivered to the platform, signed by the
//! Standard Webhooks scheme, at least once and in order per contact.

use std::{sync::Arc, time::Duration};

use reqwest::header::HeaderMap;
use serde_json::json;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{
    post::{Answer, Poster, signed},
    schedule::{again_or_dead, spread},
};
use crate::{
    clock::{Clock, Millis},
    config::{HookUrl, WebhookSecret},
    store::{Addressee, Delivery, Message, Store, StoreError},
    telemetry::metrics,
};

/// Messages under way at once at most; each is another contact's.
const IN_FLIGHT_MAX: usize = 8;
/// A lease outlives the message's own time by so much.
const LEASE_MARGIN: Duration = Duration::from_secs(30);
/// How often the ledger is asked for what no signal announced: another replica's messages, those that fall due.
const POLL: Duration = Duration::from_secs(1);

/// Delivers what the outbox holds for the platform.
pub struct WriteBackSender {
    /// The ledger.
    pub store: Store,
    /// The time.
    pub clock: Clock,
    /// Where the platform listens.
    pub url: HookUrl,
    /// What messages are signed with.
    pub secret: WebhookSecret,
    /// `[retry] schedule`
    pub schedule: Vec<Duration>,
    /// How long the platform may take to answer.
    pub timeout: Duration,
    /// Sends them.
    pub poster: Poster,
}

impl WriteBackSender {
    /// Delivers until `stop` is cancelled, then lets what is under way end.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut under_way = JoinSet::new();
        while !stop.is_cancelled() {
            while under_way.try_join_next().is_some() {}
            let free = IN_FLIGHT_MAX.saturating_sub(under_way.len());
            let claimed = if free == 0 { Vec::new() } else { self.claim(free).await };
            let found = !claimed.is_empty();
            for message in claimed {
                let this = self.clone();
                under_way.spawn(async move { this.deliver(message).await });
            }
            if found {
                continue;
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.store.outbox_written() => {}
                Some(_) = under_way.join_next() => {}
                () = tokio::time::sleep(POLL) => {}
            }
        }
        while under_way.join_next().await.is_some() {}
    }

    /// Delivers what is due now, one after the other; for tests that drive it by hand. Answers how many were sent.
    pub async fn run_due(&self) -> usize {
        let mut sent = 0;
        loop {
            let claimed = self.claim(1).await;
            let Some(message) = claimed.into_iter().next() else { return sent };
            sent += 1;
            self.deliver(message).await;
        }
    }

    async fn claim(&self, limit: usize) -> Vec<Message> {
        let claimed = self.store.claim_messages(Addressee::Platform, limit, self.timeout + LEASE_MARGIN).await;
        claimed
            .inspect_err(|error| tracing::warn!(%error, "the outbox cannot be read; it is tried again"))
            .unwrap_or_default()
    }

    async fn deliver(&self, message: Message) {
        // The platform holds it against the time of day.
        let (headers, body) = request(&message, &self.secret, self.clock.machine());
        let answered = match headers {
            Some(headers) => self.poster.post(self.url.text(), headers, body).await,
            None => Err("消息无法签名 (the message cannot be signed)".to_owned()),
        };
        let delivery = judge(answered, &message, &self.schedule, self.clock.now());
        metrics::delivered(Addressee::Platform.as_str(), delivery.as_str());
        match &delivery {
            Delivery::Dead(words) => {
                tracing::error!(outbox.id = %message.id, outbox.kind = %message.kind, words, "the platform takes a message not at all; GET /v1/outbox lists it");
            }
            Delivery::Again(words, _) if message.attempts == 1 => {
                tracing::warn!(outbox.id = %message.id, outbox.kind = %message.kind, words, "the platform does not take a message; it is tried again");
            }
            _ => {}
        }
        match self.store.settle_message(&message, &delivery).await {
            Ok(()) => {}
            Err(StoreError::LeaseLost) => {
                tracing::debug!(outbox.id = %message.id, "another replica delivers the message")
            }
            Err(error) => {
                tracing::warn!(outbox.id = %message.id, %error, "what became of a message is not noted; it is sent again")
            }
        }
    }
}

/// Headers and body of a delivery; the same body and id for every delivery of a message.
fn request(message: &Message, secret: &WebhookSecret, now: Millis) -> (Option<HeaderMap>, String) {
    let body = json!({ "type": message.kind, "timestamp": message.created_at.rfc3339(), "data": message.data });
    let body = body.to_string();
    (signed(secret, &message.id, now, &body), body)
}

/// 410 Gone: nobody listens there any more. Any other answer may be a proxy's word, a secret's that is just being changed, or
/// a receiver's whose fault somebody mends, and passes.
const NEVER: u16 = 410;

/// What an answer means: taken, never, or not now.
fn judge(answered: Result<Answer, String>, message: &Message, schedule: &[Duration], now: Millis) -> Delivery {
    let (words, asked) = match answered {
        Ok(answer) if (200..300).contains(&answer.status) => return Delivery::Taken,
        Ok(answer) if answer.status == NEVER => return Delivery::Dead(format!("HTTP {}", answer.status)),
        Ok(answer) => (format!("HTTP {}", answer.status), answer.retry_after),
        Err(words) => (words, None),
    };
    again_or_dead(schedule, message.attempts, asked, now, spread(message.seq), words)
}
