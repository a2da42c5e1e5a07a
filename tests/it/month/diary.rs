//! What happens on the platform in a month: chats, promotions, deals, manual triggers and what nobody handles.

use std::time::Duration;

use erp_bridge::clock::Millis;
use rand::{RngExt, rngs::StdRng, seq::SliceRandom};
use serde_json::{Value, json};

use super::people::{Expected, Person};

/// Days of the month.
pub const DAYS: usize = 28;
pub const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// An event of a contact.
pub struct Entry {
    /// Whose: the place in the list of people.
    pub person: usize,
    pub event: Value,
    /// By what its record in the ERP is known, if it becomes one.
    pub mark: Option<String>,
}

/// The month by days, each day's events in the order in which they are sent.
pub fn write(people: &[Person], start: Millis, rng: &mut StdRng) -> Vec<Vec<Entry>> {
    let mut days: Vec<Vec<Vec<Entry>>> = (0..DAYS).map(|_| Vec::new()).collect();
    for (at, person) in people.iter().enumerate() {
        let mut pen = Pen { at, person, start, said: 0 };
        for (day, entries) in life(&mut pen, rng) {
            days[day].push(entries);
        }
    }
    days.into_iter()
        .map(|mut day| {
            day.shuffle(rng);
            day.into_iter().flatten().collect()
        })
        .collect()
}

/// The days of one contact: it chats, is promoted on the same day or the next, chats on, and may buy.
fn life(pen: &mut Pen<'_>, rng: &mut StdRng) -> Vec<(usize, Vec<Entry>)> {
    let first = pen.person.first_day;
    let mut days = vec![(first, (0..rng.random_range(0..3)).map(|_| pen.message(first, rng)).collect::<Vec<_>>())];
    let promotion = first + rng.random_range(0..2);
    let score = if pen.person.expected == Expected::Outside { 40 } else { rng.random_range(60..=100) };
    let mut promoted = vec![pen.promotion(promotion, score)];
    promoted.extend((0..rng.random_range(0..2)).map(|_| pen.message(promotion, rng)));
    let mut day = promotion + 1;
    days.push((promotion, promoted));
    while day < DAYS {
        let mut entries = vec![pen.message(day, rng)];
        if pen.person.expected != Expected::Outside {
            match rng.random_range(0..8) {
                0 | 1 => entries.push(pen.deal(day)),
                2 => entries.push(pen.sync(day)),
                3 => entries.push(pen.other(day)),
                4 => entries.push(pen.promotion(day, score)),
                _ => {}
            }
        }
        days.push((day, entries));
        day += rng.random_range(10..20);
    }
    if promotion == first {
        let (_, mut before) = days.remove(0);
        before.append(&mut days[0].1);
        days[0].1 = before;
    }
    days
}

struct Pen<'a> {
    at: usize,
    person: &'a Person,
    start: Millis,
    said: usize,
}

impl Pen<'_> {
    fn message(&mut self, day: usize, rng: &mut StdRng) -> Entry {
        let mark = self.mark();
        let text = match rng.random_range(0..12) {
            0 => "报价单收到了，我们再商量一下。".repeat(80),
            1 => "好的😀 <合同> & 发票一起寄".to_owned(),
            _ => "想问一下交期和价格".to_owned(),
        };
        let direction = if rng.random_bool(0.5) { "them" } else { "me" };
        let signal = json!({ "id": mark, "content": format!("{mark} {text}"), "direction": direction, "sent_at": self.time(day) });
        // The platform says with every message what it knows of the contact.
        self.entry("message.logged", day, json!({ "contact": self.person.contact, "signal": signal }), Some(mark))
    }

    fn promotion(&self, day: usize, score: u32) -> Entry {
        self.entry("contact.promoted", day, self.with_thread(score), None)
    }

    fn deal(&mut self, day: usize) -> Entry {
        let mark = self.mark();
        let mut data = self.with_thread(80);
        data["deal"] = json!({ "id": mark, "title": "年度框架", "amount": 12800.5, "closed_at": self.time(day) });
        self.entry("deal.closed", day, data, Some(mark))
    }

    fn sync(&self, day: usize) -> Entry {
        let mut data = self.with_thread(80);
        data["requested_by"] = json!("李经理");
        self.entry("sync.requested", day, data, None)
    }

    fn other(&self, day: usize) -> Entry {
        self.entry("thread.archived", day, json!({ "contact": { "id": self.person.id } }), None)
    }

    fn with_thread(&self, score: u32) -> Value {
        let thread = json!({ "id": format!("t-{}", self.person.id), "score": score, "bucket": "WHITE" });
        json!({ "contact": self.person.contact, "thread": thread })
    }

    fn entry(&self, kind: &str, day: usize, data: Value, mark: Option<String>) -> Entry {
        Entry { person: self.at, event: json!({ "type": kind, "timestamp": self.time(day), "data": data }), mark }
    }

    fn mark(&mut self) -> String {
        self.said += 1;
        format!("{}-{:02}", self.person.id, self.said)
    }

    fn time(&self, day: usize) -> String {
        (0..day).fold(self.start, |time, _| time.plus(DAY)).rfc3339()
    }
}
