//! Where the rows of others quote a person that is erased, and how they lose it: slice by slice, so that nobody waits long
//! for the ledger.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    Store, StoreError,
    db::{Arg, Row, args},
    person_marks::{Mark, blanked, names_contact},
    retention::FORGET_EVENT,
};
use crate::json;

/// Rows that one statement looks through. Which of them quote the person is for the program to find: no pattern of SQL finds
/// a number however it is written.
const SLICE: i64 = 250;
/// Bodies that are read at once.
const BODIES: i64 = 50;
/// Behind every id, which begins with a hexadecimal digit, and every other name, in whatever order a database sorts.
const BEHIND: &str = "z";

/// What rows are walked by.
#[derive(Debug, Clone, Copy)]
enum Key {
    Text(&'static str),
    Number(&'static str),
}

/// A table whose rows can quote a person.
struct Quotes {
    table: &'static str,
    key: Key,
    /// The event that a row belongs to: those of the person are blanked whole.
    event: &'static str,
    texts: &'static [&'static str],
    /// Those of them that are the ERP's words, or quote them, in which names are looked for, too. What others wrote names others.
    words: &'static [&'static str],
}

/// Payloads and steps are the others' own.
const QUOTES: [Quotes; 8] = [
    Quotes {
        table: "calls",
        key: Key::Text("event_id"),
        event: "event_id",
        texts: &["request", "response"],
        words: &["response"],
    },
    Quotes { table: "steps", key: Key::Text("event_id"), event: "event_id", texts: &["result"], words: &[] },
    Quotes { table: "events", key: Key::Text("id"), event: "id", texts: &["error", "review"], words: &["error"] },
    Quotes {
        table: "outbox",
        key: Key::Text("id"),
        event: "coalesce(event_id, '')",
        texts: &["data", "error"],
        words: &["data", "error"],
    },
    Quotes { table: "blocks", key: Key::Text("name"), event: "''", texts: &["words"], words: &["words"] },
    Quotes { table: "replays", key: Key::Text("id"), event: "''", texts: &["filter", "reason"], words: &[] },
    Quotes { table: "pauses", key: Key::Text("name"), event: "''", texts: &["reason"], words: &[] },
    Quotes { table: "audit", key: Key::Number("seq"), event: "''", texts: &["reason"], words: &[] },
];

/// By what a person is looked for: in the ERP's words by all, elsewhere by what tells it apart.
struct Marks<'a> {
    all: &'a BTreeSet<Mark>,
    telling: &'a BTreeSet<Mark>,
}

/// Takes a person out of a refused request.
pub(super) const FORGET_REFUSAL: &str = "update rejections set payload = '', errors = '[]', fingerprint = null";

impl Key {
    const fn name(self) -> &'static str {
        match self {
            Self::Text(name) | Self::Number(name) => name,
        }
    }

    fn start(self) -> Arg {
        match self {
            Self::Text(_) => "".into(),
            Self::Number(_) => 0_i64.into(),
        }
    }

    fn end(self) -> Arg {
        match self {
            Self::Text(_) => BEHIND.into(),
            Self::Number(_) => i64::MAX.into(),
        }
    }

    fn of(self, row: &Row) -> Result<Arg, StoreError> {
        match self {
            Self::Text(_) => row.text("place").map(Arg::from),
            Self::Number(_) => row.int("place").map(Arg::from),
        }
    }
}

impl Store {
    /// Blanks the marks in the rows of others.
    pub(super) async fn blank_quotes(&self, contact_id: &str, marks: &BTreeSet<Mark>) -> Result<(), StoreError> {
        if marks.is_empty() {
            return Ok(());
        }
        let apart = telling(marks);
        let marks = Marks { all: marks, telling: &apart };
        for quotes in &QUOTES {
            let mut after = Some(quotes.key.start());
            while let Some(from) = after {
                let next = self.next_slice(quotes.table, quotes.key, &from).await?;
                let upto = next.clone().unwrap_or_else(|| quotes.key.end());
                // What changes meanwhile is looked at once more.
                while !self.blank_slice(quotes, &[from.clone(), upto.clone()], contact_id, &marks).await? {}
                after = next;
            }
        }
        Ok(())
    }

    /// Blanks the marks in the rows behind the first place up to the second; answers whether nobody changed one meanwhile.
    async fn blank_slice(
        &self,
        quotes: &Quotes,
        slice: &[Arg; 2],
        contact_id: &str,
        marks: &Marks<'_>,
    ) -> Result<bool, StoreError> {
        let Quotes { table, key, event, texts, words } = quotes;
        let name = key.name();
        let values = [slice.to_vec(), args![contact_id]].concat();
        let look = format!(
            "select {name} as place, {} from {table} where {name} > $1 and {name} <= $2
             and {event} not in (select id from events where contact_id = $3 and finished_at is not null)",
            texts.join(", ")
        );
        let mut changes = Vec::new();
        for row in self.db.read(look, values).await? {
            for text in *texts {
                let Some(before) = row.opt_text(text)? else { continue };
                let after = if !words.contains(text) {
                    blanked(&before, marks.telling)
                } else if *text == "data" {
                    blanked_message(&before, marks)
                } else {
                    blanked(&before, marks.all)
                };
                if let Some(after) = after {
                    let change = format!("update {table} set {text} = $3 where {name} = $1 and {text} = $2");
                    changes.push((change, vec![key.of(&row)?, before.into(), after.into()]));
                }
            }
        }
        if changes.is_empty() {
            return Ok(true);
        }
        let mut is_whole = true;
        let mut tx = self.db.begin().await?;
        for (change, values) in changes {
            is_whole &= tx.execute(change, values).await? > 0;
        }
        tx.commit().await?;
        Ok(is_whole)
    }

    /// Erases the bodies of which nobody could read whose they are, and which name the contact or quote its marks: requests
    /// that were refused, and events of types that nobody handles. Answers how many events and how many requests.
    pub(super) async fn erase_strays(
        &self,
        contact_id: &str,
        marks: &BTreeSet<Mark>,
    ) -> Result<(u64, u64), StoreError> {
        let events = self.erase_strays_of("events", FORGET_EVENT, contact_id, marks).await?;
        Ok((events, self.erase_strays_of("rejections", FORGET_REFUSAL, contact_id, marks).await?))
    }

    async fn erase_strays_of(
        &self,
        table: &str,
        forget: &str,
        contact_id: &str,
        marks: &BTreeSet<Mark>,
    ) -> Result<u64, StoreError> {
        let key = Key::Number("seq");
        let look = format!(
            "select seq as place, payload from {table} where seq > $1 and seq <= $2 and contact_id is null
             and payload <> '' order by seq limit $3"
        );
        let (mut erased, mut after) = (0, Some(key.start()));
        while let Some(mut from) = after {
            let next = self.next_slice(table, key, &from).await?;
            let upto = next.clone().unwrap_or_else(|| key.end());
            loop {
                let rows = self.db.read(look.as_str(), vec![from, upto.clone(), BODIES.into()]).await?;
                let Some(last) = rows.last() else { break };
                from = key.of(last)?;
                for row in rows {
                    let body = row.text("payload")?;
                    if names_contact(&body, contact_id) || blanked(&body, marks).is_some() {
                        let mut tx = self.db.begin().await?;
                        erased += tx.execute(format!("{forget} where seq = $1"), vec![key.of(&row)?]).await?;
                        tx.commit().await?;
                    }
                }
            }
            after = next;
        }
        Ok(erased)
    }

    /// Where people are asked whether another contact is this one's customer, nothing but its `ord` is left of it.
    pub(super) async fn forget_candidate(&self, contact_id: &str) -> Result<(), StoreError> {
        let link = self.db.read("select ord from contacts where contact_id = $1", args![contact_id]).await?;
        let Some(ord) = link.first().map(|row| row.int("ord")).transpose()? else { return Ok(()) };
        let quoted = format!("%\"ord\":{ord}%");
        let look = "select id, review from events where id > $1 and id <= $2 and contact_id <> $3 and review like $4";
        let key = Key::Text("id");
        let mut after = Some(key.start());
        while let Some(from) = after {
            let next = self.next_slice("events", key, &from).await?;
            let upto = next.clone().unwrap_or_else(|| key.end());
            let values = vec![from, upto, contact_id.into(), quoted.as_str().into()];
            for row in self.db.read(look, values).await? {
                let before = row.text("review")?;
                let Some(review) = without_candidate(&before, ord) else { continue };
                let mut tx = self.db.begin().await?;
                // Another review may stand there meanwhile.
                let change = "update events set review = $2 where id = $1 and review = $3";
                tx.execute(change, args![row.text("id")?, review, before]).await?;
                tx.commit().await?;
            }
            after = next;
        }
        Ok(())
    }

    /// The last place of the slice behind this one; `None` if nothing stands behind the slice.
    async fn next_slice(&self, table: &str, key: Key, after: &Arg) -> Result<Option<Arg>, StoreError> {
        let name = key.name();
        let sql = format!("select {name} as place from {table} where {name} > $1 order by {name} limit 1 offset $2");
        let rows = self.db.read(sql, vec![after.clone(), SLICE.into()]).await?;
        rows.first().map(|row| key.of(row)).transpose()
    }
}

/// A message of ours without the person: the ERP's words stand in it among ids of others, which may be a name, too.
fn blanked_message(message: &str, marks: &Marks<'_>) -> Option<String> {
    let telling = blanked(message, marks.telling);
    let Ok(mut value) = json::parse_text(telling.as_deref().unwrap_or(message)) else { return telling };
    if blank_sentences(&mut value, marks.all) { Some(value.to_string()) } else { telling }
}

/// Members of a message that hold somebody's words, and never an id.
const WORDS: [&str; 3] = ["message", "title", "words"];

/// Blanks what texts say beside other words, and what sentences say alone; answers whether there was any.
fn blank_sentences(value: &mut Value, marks: &BTreeSet<Mark>) -> bool {
    match value {
        Value::String(text) => match blanked(text, marks).filter(|left| left.contains(|c| c != '*')) {
            Some(left) => {
                *text = left;
                true
            }
            None => false,
        },
        Value::Array(items) => items.iter_mut().fold(false, |any, item| blank_sentences(item, marks) | any),
        Value::Object(members) => members.iter_mut().fold(false, |any, (name, item)| {
            let words = item.as_str().filter(|_| WORDS.contains(&name.as_str()));
            let left = words.and_then(|words| blanked(words, marks));
            let is_blanked = left.is_some();
            if let Some(left) = left {
                *item = left.into();
            }
            any | is_blanked | blank_sentences(item, marks)
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The marks by which nobody else can be meant.
pub(super) fn telling(marks: &BTreeSet<Mark>) -> BTreeSet<Mark> {
    marks.iter().filter(|mark| mark.tells_apart()).cloned().collect()
}

/// A review without what it says of this candidate; `None` if it says nothing.
fn without_candidate(review: &str, ord: i64) -> Option<String> {
    let mut review = json::parse_text(review).ok()?;
    let mut is_said = false;
    for candidate in review.get_mut("candidates")?.as_array_mut()?.iter_mut().filter(|it| it["ord"] == ord) {
        for (member, value) in candidate.as_object_mut()?.iter_mut() {
            if member != "ord" && !value.is_null() {
                is_said = true;
                *value = Value::Null;
            }
        }
    }
    is_said.then(|| review.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::person_marks::marks_in, *};

    #[test]
    fn a_name_goes_from_the_sentences_of_a_message_and_from_no_id_of_anybody() {
        let of_person = json!({ "data": { "contact": { "id": "c1", "name": "Anna", "phone": "13800138055" } } });
        let all: BTreeSet<Mark> = marks_in(&of_person.to_string()).into_iter().collect();
        let apart = telling(&all);
        let marks = Marks { all: &all, telling: &apart };
        let left =
            |message: Value| blanked_message(&message.to_string(), &marks).map(|left| json::parse_text(&left).unwrap());
        let others =
            json!({ "contact_id": "anna", "kind": "person", "message": "Anna 已存在", "seen": ["Anna, 13800138055"] });
        let blank =
            json!({ "contact_id": "anna", "kind": "person", "message": "**** 已存在", "seen": ["****, 99999999999"] });
        assert_eq!(left(others), Some(blank));
        assert_eq!(left(json!({ "contact_id": "Anna", "message": "ok" })), None);
        assert_eq!(
            left(json!({ "message": "Anna", "kind": "anna" })),
            Some(json!({ "message": "****", "kind": "anna" }))
        );
        assert_eq!(blanked_message("{13800138055", &marks).as_deref(), Some("{99999999999"), "what cannot be read");
    }
}
