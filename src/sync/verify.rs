//! Asking the ERP whether a step is done.

use jiff::civil::Date;
use serde_json::{Value, json};

use super::{
    SyncError, assignment,
    category::{Category, DisplayText},
    contact_persons,
    details::{self, Place},
    executor::Executor,
    records::{self, Wanted},
    step::Step,
    text::comparable,
};
use crate::{
    clock::{Millis, erp_zone},
    erp::{CustomerKind, CustomerRow, Detail, ErpError, Field, ProgressList, ProgressRow, Shown},
    event::Assignment,
};

/// What the ERP shows of a step's effect.
#[derive(Debug, Clone, PartialEq)]
pub enum Verification {
    /// It took effect; what was found.
    Done(Value),
    /// It did not.
    NotDone,
    /// The installation does not show it; why.
    Hidden(String),
    /// What is there may be another event's equal record; once that one is confirmed, looking again tells.
    Shared,
    /// Another customer stands under the allocated id: saving would overwrite it.
    Anothers,
}

impl Executor<'_> {
    /// Asks the ERP whether a step took effect.
    pub async fn verify(&self, step: &Step) -> Result<Verification, SyncError> {
        match step {
            // An allocation stores nothing; a link is the ledger's own.
            Step::Allocate { .. } | Step::Link { .. } => Ok(Verification::NotDone),
            Step::SaveCustomer { kind, fields } => self.verify_customer(*kind, fields).await,
            Step::FillMissing { kind, ord, fields } => self.verify_filled(*kind, *ord, fields).await,
            Step::AddContactPerson { company, fields } => self.verify_contact_person(*company, fields).await,
            Step::Progress { text, .. } => self.verify_progress(text).await,
            Step::SetStage { kind, stage } => self.verify_stage(*kind, stage).await,
            Step::Assign { to } => self.verify_assignment(to).await,
            // Where nobody has to approve, whoever applied has the customer at once.
            Step::Apply => self.verify_place(|place| place != Place::Pool).await,
            Step::Approve { agree: true } => self.verify_place(|place| place == Place::Customers).await,
            Step::Approve { agree: false } => self.verify_rejection().await,
            Step::TakeBack => self.verify_place(|place| place == Place::Pool).await,
        }
    }

    /// The same where the ERP has just refused the step. Nobody can apply for a customer that does not stand in the pool, nor
    /// reject one that nobody applied for: that it stands elsewhere is why.
    pub async fn verify_refused(&self, step: &Step) -> Result<Verification, SyncError> {
        match step {
            Step::Apply => self.verify_place(|place| place == Place::Pending).await,
            Step::Approve { agree: false } => self.verify_place(|place| place == Place::Pool).await,
            _ => self.verify(step).await,
        }
    }

    async fn verify_customer(&self, kind: CustomerKind, fields: &[Field]) -> Result<Verification, SyncError> {
        let detail = match self.erp.customer_detail(kind, self.ord()?).await {
            Ok(detail) => detail,
            Err(ErpError::Refused(_)) => return Ok(Verification::NotDone),
            Err(error) => return Err(error.into()),
        };
        Ok(match record_owner(&detail, fields) {
            RecordOwner::Ours => Verification::Done(json!({ "ord": self.ord })),
            RecordOwner::Nobodys => Verification::NotDone,
            RecordOwner::Anothers => Verification::Anothers,
        })
    }

    async fn verify_contact_person(&self, company: i64, fields: &[Field]) -> Result<Verification, SyncError> {
        let value = |id: &str| fields.iter().find(|field| field.id == id).map(|field| field.val.clone());
        let (mobile, name) = (value("mobile"), value("person_name").unwrap_or_default());
        let ours = contact_persons::person_of(self.erp, company, mobile.as_deref(), &name).await?;
        Ok(ours
            .map_or(Verification::NotDone, |row| Verification::Done(json!({ "company": company, "person": row.ord }))))
    }

    /// One progress record. Where their list does not tell, 客户列表 may show the customer's latest one (`telintro`,
    /// `erp-wire.md §5`): ours there is proof; another or none proves nothing.
    async fn verify_progress(&self, text: &str) -> Result<Verification, SyncError> {
        let seen = self.verify_records(&[text]).await?.remove(0);
        let Verification::Hidden(_) = &seen else { return Ok(seen) };
        if self.erp.installation().shows_latest_record == Some(false) {
            return Ok(seen);
        }
        let counts = self.journal.count_equal(&records::fingerprints(self.ord()?, text)).await?;
        let latest = match self.row().await {
            Ok(row) => row.and_then(|row| row.telintro).unwrap_or_default(),
            Err(ErpError::TooMany(_)) => return Ok(seen),
            Err(error) => return Err(error.into()),
        };
        let is_ours = Wanted::new(text, counts).is_in(&[ProgressRow { intro: latest, ..ProgressRow::default() }]);
        Ok(if is_ours { Verification::Done(json!({ "shown_by": "telintro" })) } else { seen })
    }

    /// Looks several progress records up in one reading of the list, each by its text.
    pub async fn verify_records(&self, texts: &[&str]) -> Result<Vec<Verification>, SyncError> {
        let ord = self.ord()?;
        let mut wanted = Vec::with_capacity(texts.len());
        for text in texts {
            let counts = self.journal.count_equal(&records::fingerprints(ord, text)).await?;
            wanted.push(Wanted::new(text, counts));
        }
        // An ERP shows what was just added on the first page, so reading stops as soon as all of them are there.
        let all_are_there = |rows: &[ProgressRow]| wanted.iter().all(|wanted| wanted.is_in(rows));
        // Equal records of others may be older than the event, and all of them are to be counted.
        let since = self.since.filter(|_| wanted.iter().all(Wanted::is_unique)).map(day_before);
        let hidden = |words: String| vec![Verification::Hidden(words); texts.len()];
        let rows = match self.erp.list_progress(ord, since, all_are_there).await {
            Ok(ProgressList::Records(rows)) => rows,
            Ok(ProgressList::Closed(words)) => return Ok(hidden(words)),
            // A person can look where the bridge gives up.
            Err(ErpError::TooMany(words)) => return Ok(hidden(words)),
            Err(error) => return Err(error.into()),
        };
        let mut seen = Vec::with_capacity(wanted.len());
        for wanted in &wanted {
            seen.push(self.verify_record(ord, wanted, &rows).await?);
        }
        Ok(seen)
    }

    async fn verify_record(&self, ord: i64, wanted: &Wanted, rows: &[ProgressRow]) -> Result<Verification, SyncError> {
        if wanted.is_in(rows) {
            return Ok(Verification::Done(json!({ "record": wanted.newest(rows) })));
        }
        if wanted.may_be_in(rows) {
            return Ok(Verification::Shared);
        }
        for (text, count) in wanted.doubtful(rows) {
            // Another record of ours, shown as it is, is not this one altered or cut short.
            let equal = self.journal.count_equal(&records::fingerprints(ord, text)).await?;
            if equal.done + equal.started < count {
                return Ok(Verification::Hidden(format!(
                    "洽谈进展列表 shows a text of the same moment that may be this one, altered or cut short: {text}"
                )));
            }
        }
        Ok(Verification::NotDone)
    }

    async fn verify_stage(&self, kind: CustomerKind, stage: &str) -> Result<Verification, SyncError> {
        let (_, detail) = details::detail_of(self.erp, kind, self.ord()?).await?;
        Ok(match Category::of(&detail, self.values).stage {
            DisplayText::Named(shown) if shown == stage => {
                self.erp.note_shown(Shown::Stage);
                Verification::Done(json!({ "stage": stage }))
            }
            DisplayText::Named(_) => Verification::NotDone,
            DisplayText::Unnamed | DisplayText::Empty => {
                Verification::Hidden("客户详情 shows no text of 跟进程度".into())
            }
        })
    }

    async fn verify_assignment(&self, to: &Assignment) -> Result<Verification, SyncError> {
        let salesperson = match self.salesperson().await {
            Ok(Some(salesperson)) => salesperson,
            Ok(None) => return Ok(Verification::Hidden("客户列表 shows no catename".into())),
            Err(ErpError::TooMany(words)) => return Ok(Verification::Hidden(words)),
            Err(error) => return Err(error.into()),
        };
        let Assignment::Users(users) = to else { return Ok(self.verify_opening(&salesperson)) };
        let accounts = match self.erp.list_accounts().await {
            Ok(accounts) => accounts,
            // Where 账号列表 is closed or too long, nobody can tell who stands in the column.
            Err(error) if error.denies_interface() || matches!(error, ErpError::TooMany(_)) => {
                return Ok(Verification::Hidden(error.to_string()));
            }
            Err(error) => return Err(error.into()),
        };
        Ok(match assignment::shown_to(&accounts, users, &salesperson) {
            Some(true) => {
                self.erp.note_shown(Shown::Assignment);
                Verification::Done(json!({ "salesperson": salesperson }))
            }
            Some(false) => Verification::NotDone,
            None => Verification::Hidden(format!("客户列表 shows {salesperson}, which does not tell")),
        })
    }

    /// Whether a customer that was opened to all shows nobody. A column that is always empty looks like this, too.
    fn verify_opening(&self, salesperson: &str) -> Verification {
        if !salesperson.is_empty() {
            return Verification::NotDone;
        }
        if self.erp.shows(Shown::Assignment) {
            self.erp.note_shown(Shown::Opening);
        }
        Verification::Done(json!({ "salesperson": salesperson }))
    }

    /// `catename` of the customer; `None` where the installation does not show it.
    pub(super) async fn salesperson(&self) -> Result<Option<String>, ErpError> {
        if self.erp.installation().shows_salesperson == Some(false) {
            return Ok(None);
        }
        Ok(self.row().await?.and_then(|row| row.catename).map(|name| name.trim().to_owned()))
    }

    /// The customer's row in 客户列表.
    async fn row(&self) -> Result<Option<CustomerRow>, ErpError> {
        details::row_of(self.erp, self.ord()?, None).await
    }

    /// 客户审批 without consent. Whom somebody has agreed to meanwhile waits no more either, and where one that was rejected
    /// goes only the installation knows.
    async fn verify_rejection(&self) -> Result<Verification, SyncError> {
        let in_pool = self.verify_place(|place| place == Place::Pool).await?;
        if in_pool != Verification::NotDone {
            return Ok(in_pool);
        }
        Ok(match self.verify_place(|place| place == Place::Pending).await? {
            Verification::Done(_) => Verification::NotDone,
            Verification::NotDone => Verification::Hidden(
                "待审核 has the customer no more, nor has 客户池: rejected, or agreed to by somebody".into(),
            ),
            seen => seen,
        })
    }

    /// Whether the customer stands where a step should have brought it. Of the three lists exactly one has a customer; an
    /// installation that ignores `stype` shows it in several, and then its lists tell nothing (`erp-wire.md §1.15`).
    async fn verify_place(&self, is_right: impl Fn(Place) -> bool) -> Result<Verification, SyncError> {
        let tells_apart = self.erp.installation().tells_places_apart;
        // A late effect may move the customer while the lists are read: only what they say twice is believed.
        let readings = if tells_apart == Some(false) { 0 } else { 2 };
        for _ in 0..readings {
            match self.places(&is_right, tells_apart == Some(true)).await {
                Ok(places) => match places[..] {
                    [place] if is_right(place) => return Ok(Verification::Done(json!({ "ord": self.ord }))),
                    [_] => return Ok(Verification::NotDone),
                    _ => {}
                },
                Err(ErpError::TooMany(words)) => return Ok(Verification::Hidden(words)),
                Err(error) if error.is_refusal() => return Ok(Verification::Hidden(error.to_string())),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Verification::Hidden("客户列表 does not tell 客户, 客户池 and 待审核 apart (stype is ignored)".into()))
    }

    /// The lists that show the customer, the right ones asked first; no more than one where it is known that `one_has_it`.
    async fn places(&self, is_right: impl Fn(Place) -> bool, one_has_it: bool) -> Result<Vec<Place>, ErpError> {
        let ord = self.ord()?;
        let mut places = Vec::new();
        let mut order = Place::ALL;
        order.sort_by_key(|place| !is_right(*place));
        for place in order {
            if details::is_listed(self.erp, ord, place).await? {
                places.push(place);
                if one_has_it {
                    break;
                }
            }
        }
        Ok(places)
    }
}

/// The day before a moment, in the ERP's zone: its clock may be another one.
fn day_before(moment: Millis) -> Date {
    let day = moment.timestamp().to_zoned_datetime(erp_zone()).date();
    day.yesterday().unwrap_or(day)
}

/// Whose record stands under an allocated `ord`.
#[derive(Debug, PartialEq, Eq)]
enum RecordOwner {
    Ours,
    Nobodys,
    Anothers,
}

fn record_owner(detail: &Detail, fields: &[Field]) -> RecordOwner {
    let sent = |id: &str| fields.iter().find(|field| field.id == id).map(|field| field.val.as_str());
    let pairs = ["khid", "name"].map(|id| sent(id).zip(detail.shown(id).map(str::trim)));
    let is_shown = |pair: &Option<(&str, &str)>| pair.is_some_and(|(_, stored)| !stored.is_empty());
    // An installation may write a 客户编号 in capitals.
    let folded = |text: &str| comparable(text).to_lowercase();
    let is_other = |(sent, stored): (&str, &str)| stored.is_empty() || folded(sent) != folded(stored);
    let differs = |pair: &Option<(&str, &str)>| pair.is_some_and(is_other);
    if pairs.iter().any(is_shown) && !pairs.iter().any(differs) {
        RecordOwner::Ours
    } else if pairs.iter().all(|pair| is_shown(pair) && differs(pair)) {
        // A form can have a suggested 客户编号 in it before anything is stored: only with the name it speaks of another.
        RecordOwner::Anothers
    } else {
        RecordOwner::Nobodys
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_customer_under_the_allocated_id_is_told_by_number_and_name_together() {
        let field = |id: &str, val: &str| Field::new(id.to_owned(), val);
        let sent = [field("khid", "WX1"), field("name", "张三")];
        for (khid, name, expected) in [
            ("WX1", "张三", RecordOwner::Ours),
            ("", "张三", RecordOwner::Nobodys),
            ("WX1", "", RecordOwner::Nobodys),
            ("", "", RecordOwner::Nobodys),
            ("KH202611230001", "", RecordOwner::Nobodys),
            ("KH1", "张三", RecordOwner::Nobodys),
            ("WX1", "李四", RecordOwner::Nobodys),
            ("WX1", "张 三?", RecordOwner::Ours),
            ("wx1", "张三", RecordOwner::Ours),
            ("KH1", "李四", RecordOwner::Anothers),
        ] {
            let detail = Detail::from_fields(None, [("khid", khid, ""), ("name", name, "")]);
            assert_eq!(record_owner(&detail, &sent), expected, "{khid} {name}");
        }
    }
}
