//! `contact.erp`: the customer that the platform says a contact is (`contract.md §1`). It is believed as far as the ERP's
//! record bears it out: a wrong number on the platform's side costs a warning, and no chat ends up at somebody else's.

use super::{
    Journal, SyncError,
    contact_persons::{self, Role},
    customer_search::{Column, Matches, readable, search},
    details::{Place, detail_of, further_places, shown},
    identity::same_name,
    mapping::Mapping,
    phone_match::{PhoneMatch, fit},
};
use crate::{
    erp::{CustomerKind, Detail, Erp, ErpError},
    event::{Candidate, ErpHint, Event, FieldError},
};

/// A customer whose record was read.
pub(super) struct Known {
    pub ord: i64,
    pub kind: CustomerKind,
    pub detail: Detail,
    /// What the contact is there.
    pub role: Role,
}

/// What the ERP says to it.
pub(super) enum Hint {
    /// The contact is there.
    Holds(Known),
    /// The record is called otherwise, and no number tells whether it is the contact: people go by nicknames.
    Unclear(Candidate),
    /// It is not.
    Fails(Misfit),
}

/// Why a customer that the platform names is not taken for the contact's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Misfit {
    /// The ERP has no such record.
    NoCustomer,
    /// Several customers have this 客户编号, or too many to read are like it.
    Ambiguous,
    /// The record has another 客户编号.
    OtherKhid,
    /// The record has another number, or another name, than the contact.
    OtherPerson,
    /// It is another contact's.
    Taken,
}

impl Misfit {
    /// For the sender of the event.
    pub(super) fn warning(self) -> FieldError {
        let (zh, en) = match self {
            Self::NoCustomer => ("ERP 中没有这个客户", "the ERP has no such customer"),
            Self::Ambiguous => ("ERP 中有多个这样的客户编号", "the ERP has several of this 客户编号"),
            Self::OtherKhid => ("该客户的客户编号不同", "that customer has another 客户编号"),
            Self::OtherPerson => {
                ("该客户的手机或姓名与联系人不符", "that customer's number or name is not the contact's")
            }
            Self::Taken => ("该客户属于另一位联系人", "that customer is another contact's"),
        };
        FieldError::new("/data/contact/erp", format!("未采用，改为查找：{zh} (not taken, looked up instead: {en})"))
    }
}

/// Reads the record that the platform names and decides whether it is the contact's: by the number where both have one,
/// else by the name, and where the event says neither, by the platform's word.
pub(super) async fn check(
    erp: &Erp,
    journal: &dyn Journal,
    mapping: &Mapping,
    event: &Event,
    named: &ErpHint,
) -> Result<Hint, SyncError> {
    let checked = match check_record(erp, mapping, event, named).await {
        Err(error) if error.is_refusal() => Hint::Fails(Misfit::NoCustomer),
        Err(ErpError::TooMany(_)) => Hint::Fails(Misfit::Ambiguous),
        checked => checked?,
    };
    let of_itself = match &checked {
        Hint::Holds(Known { ord, role: Role::Itself, .. }) | Hint::Unclear(Candidate { ord, .. }) => Some(*ord),
        _ => None,
    };
    if let Some(ord) = of_itself
        && journal.has_owner(ord, event.contact().id()).await?
    {
        return Ok(Hint::Fails(Misfit::Taken));
    }
    Ok(checked)
}

async fn check_record(erp: &Erp, mapping: &Mapping, event: &Event, named: &ErpHint) -> Result<Hint, ErpError> {
    let guess = Mapping::kind(event);
    let ord = match (named.ord, &named.khid) {
        (Some(ord), _) => ord,
        (None, Some(khid)) => {
            match with_foreign_khid(erp, guess, khid).await?.exact.keys().copied().collect::<Vec<_>>()[..] {
                [ord] => ord,
                [] => return Ok(Hint::Fails(Misfit::NoCustomer)),
                _ => return Ok(Hint::Fails(Misfit::Ambiguous)),
            }
        }
        (None, None) => return Ok(Hint::Fails(Misfit::NoCustomer)),
    };
    let (kind, detail) = detail_of(erp, guess, ord).await?;
    if shown(&detail, "name").is_none() {
        return Ok(Hint::Fails(Misfit::NoCustomer));
    }
    let khid = shown(&detail, "khid");
    let differs = |named: &str| khid.as_deref().is_none_or(|theirs| !same_name(theirs, named));
    if named.ord.is_some() && named.khid.as_deref().is_some_and(differs) {
        return Ok(Hint::Fails(Misfit::OtherKhid));
    }
    let ours = mapping.khid(event.contact().id());
    if khid.as_deref().is_some_and(|khid| khid != ours && mapping.is_ours(khid)) {
        return Ok(Hint::Fails(Misfit::Taken));
    }
    let role = if khid == Some(ours) { Some(Role::Itself) } else { role_of(erp, event, kind, ord, &detail).await? };
    Ok(match role {
        Some(role) => Hint::Holds(Known { ord, kind, detail, role }),
        None if number_of(&detail, event).is_some() => Hint::Fails(Misfit::OtherPerson),
        None => {
            let [name, khid, mobile] = ["name", "khid", "mobile"].map(|id| shown(&detail, id));
            Hint::Unclear(Candidate { name, khid, mobile, ..Candidate::of(ord) })
        }
    })
}

/// Customers with this 客户编号, in whatever list they stand.
async fn with_foreign_khid(erp: &Erp, guess: CustomerKind, khid: &str) -> Result<Matches, ErpError> {
    let found = search(erp, guess, Column::ForeignKhid, khid, Place::Customers).await?;
    if !found.exact.is_empty() {
        return Ok(found);
    }
    for place in further_places(erp).await? {
        let found = readable(search(erp, guess, Column::ForeignKhid, khid, place).await)?;
        if !found.exact.is_empty() {
            return Ok(found);
        }
    }
    Ok(found)
}

/// How the record's number fits the contact's, if both have one.
fn number_of(detail: &Detail, event: &Event) -> Option<PhoneMatch> {
    shown(detail, "mobile").zip(Mapping::mobile(event)).map(|(theirs, ours)| fit(&theirs, ours))
}

/// What the contact is of the customer; `None`: nothing of it.
async fn role_of(
    erp: &Erp,
    event: &Event,
    kind: CustomerKind,
    ord: i64,
    detail: &Detail,
) -> Result<Option<Role>, ErpError> {
    let contact = event.contact();
    let mobile = Mapping::mobile(event);
    let number = number_of(detail, event);
    // Of a masked number enough is to be seen where somebody names the record.
    if matches!(number, Some(PhoneMatch::Same | PhoneMatch::Perhaps)) {
        return Ok(Some(Role::Itself));
    }
    let is_called = |field: &str, ours: Option<&str>| {
        shown(detail, field).zip(ours).is_some_and(|(theirs, ours)| same_name(&theirs, ours))
    };
    let is_named = is_called("name", contact.name()) || is_called("person_name", contact.name());
    if is_named && number.is_none() {
        return Ok(Some(Role::Itself));
    }
    if is_called("name", contact.company()) && contact.name().is_some() {
        return contact_persons::role_in(erp, ord, mobile, contact.name()).await.map(Some);
    }
    let Some(name) = contact.name() else {
        // Of a company the contact may be anybody: what is filled in later must not be the company's.
        let role = if kind == CustomerKind::Person { Role::Itself } else { Role::ContactPerson };
        return Ok(number.is_none().then_some(role));
    };
    Ok(contact_persons::person_of(erp, ord, mobile, name).await?.map(|_| Role::ContactPerson))
}
