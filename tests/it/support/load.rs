//! What a platform sends while bridges and databases die under it, and what must have become of it in the end.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use erp_bridge::simulator::Handle;
use futures::{StreamExt, stream};
use serde_json::Value;

use super::{Sender, contact, eventually, message, promoted};

/// Every third contact writes once before it is promoted; that message is held.
const EARLY: u32 = 3;
/// Every so many deliveries are repeated although they were answered.
const REPEATED: usize = 4;
/// How long one delivery may be tried for.
const PATIENCE: Duration = Duration::from_secs(300);
/// Events of a page of the ledger's list.
const PAGE: usize = 200;

/// The events of contacts, each a promotion and some messages, and the answers to them.
pub struct Load {
    /// The bridges, used in turn.
    senders: Vec<Sender>,
    messages: usize,
    /// `webhook-id` → the event's id, for every delivery that was answered with a 2xx.
    taken: Mutex<BTreeMap<String, String>>,
    deliveries: AtomicUsize,
    refusals: AtomicUsize,
}

impl Load {
    pub fn new(senders: Vec<Sender>, messages: usize) -> Self {
        let (taken, deliveries, refusals) = (Mutex::default(), AtomicUsize::new(0), AtomicUsize::new(0));
        Self { senders, messages, taken, deliveries, refusals }
    }

    /// Events of one contact.
    pub fn events_each(&self) -> usize {
        self.messages + 1
    }

    /// Deliveries that were answered with a 2xx, each counted once.
    pub fn taken(&self) -> usize {
        self.taken.lock().unwrap().len()
    }

    /// Deliveries that were answered 503.
    pub fn refusals(&self) -> usize {
        self.refusals.load(Ordering::Relaxed)
    }

    /// Sends the events of these contacts, some contacts at once, each contact's in order.
    pub async fn send(&self, contacts: std::ops::Range<u32>, at_once: usize) {
        stream::iter(contacts).for_each_concurrent(at_once, |number| self.send_contact(number)).await;
    }

    async fn send_contact(&self, number: u32) {
        let early = usize::from(number.is_multiple_of(EARLY));
        for said in 0..self.messages {
            if said == early {
                self.deliver(&format!("p{number}"), &promoted(&contact(&id(number), number), 70.0)).await;
            }
            self.deliver(&format!("m{number}-{said}"), &message(&id(number), said, &text(said))).await;
        }
    }

    /// Sends an event until it is taken, and some once more after that.
    async fn deliver(&self, webhook_id: &str, event: &Value) {
        let turn = self.deliveries.fetch_add(1, Ordering::Relaxed);
        self.deliver_once(webhook_id, event, turn).await;
        if turn.is_multiple_of(REPEATED) {
            assert_eq!(self.deliver_once(webhook_id, event, turn + 1).await, "duplicate", "{webhook_id}");
        }
    }

    /// Answers how it was taken; an event has one id, however often it is answered.
    async fn deliver_once(&self, webhook_id: &str, event: &Value, turn: usize) -> String {
        let tries = AtomicUsize::new(turn);
        let (id, status) = eventually(&format!("{webhook_id} is taken"), PATIENCE, async || {
            let sender = &self.senders[tries.fetch_add(1, Ordering::Relaxed) % self.senders.len()];
            self.try_once(sender, webhook_id, event).await
        })
        .await;
        let first = self.taken.lock().unwrap().entry(webhook_id.to_owned()).or_insert_with(|| id.clone()).clone();
        assert_eq!(first, id, "{webhook_id} is another event now");
        status
    }

    /// `None` where no answer came, or the sender was asked to come again.
    async fn try_once(&self, sender: &Sender, webhook_id: &str, event: &Value) -> Option<(String, String)> {
        let response = sender.signed(webhook_id, event.to_string()).send().await.ok()?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body: Value = serde_json::from_str(&response.text().await.ok()?).unwrap();
        if status == 503 {
            assert!(headers.contains_key("retry-after"), "{webhook_id}: {body}");
            self.refusals.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        assert!([200, 202].contains(&status), "{webhook_id}: {status} {body}");
        let member = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        Some((member("id"), member("status")))
    }

    /// Waits until everything that was sent has taken effect, and holds the ledger and the ERP against it: every delivery
    /// that was answered is there under its id, and nothing else; every effect is there once and in order.
    pub async fn check(&self, contacts: u32, erp: &Handle, sender: &Sender, limit: Duration) {
        let expected = contacts as usize * self.events_each();
        assert_eq!(self.taken(), expected, "everything was sent");
        sender.all_succeeded(expected, limit).await;
        assert_eq!(ledger(sender).await, *self.taken.lock().unwrap());
        assert_eq!(erp.writes_at_once(), [], "no two writes for one contact at once");
        // Each read once: of many contacts a look at the whole for each would take hours.
        let customers = erp.customers();
        assert_eq!(customers.len(), contacts as usize, "no second customer for any contact");
        let customers: BTreeMap<&str, _> = customers.iter().map(|one| (one.fields["khid"].as_str(), one)).collect();
        let (mut records, progress) = (BTreeMap::<i64, Vec<&str>>::new(), erp.progress());
        assert_eq!(progress.len(), contacts as usize * self.messages, "no record twice");
        for record in &progress {
            records.entry(record.customer).or_default().push(&record.fields["intro"]);
        }
        let said: Vec<_> = (0..self.messages).map(|said| format!("2026-11-23 15:04:05 客户：{}", text(said))).collect();
        for number in 0..contacts {
            let customer = customers[format!("WX{}", id(number)).as_str()];
            assert_eq!(customer.saves, 1, "{number}: saved once");
            assert_eq!(records[&customer.ord], said, "{number}");
        }
    }
}

fn id(number: u32) -> String {
    format!("c{number}")
}

fn text(said: usize) -> String {
    format!("第{said}句")
}

/// Every event of the ledger: `webhook-id` → id.
async fn ledger(sender: &Sender) -> BTreeMap<String, String> {
    let mut events = BTreeMap::new();
    let mut cursor = String::new();
    loop {
        let (status, page) = sender.call("GET", &format!("/v1/events?limit={PAGE}{cursor}"), None).await;
        assert_eq!(status, 200, "{page}");
        for item in page["items"].as_array().unwrap() {
            let member = |name: &str| item[name].as_str().unwrap().to_owned();
            assert_eq!(events.insert(member("webhook_id"), member("id")), None, "{item} is there twice");
        }
        let Some(next) = page["next_cursor"].as_str() else { return events };
        cursor = format!("&cursor={next}");
    }
}
