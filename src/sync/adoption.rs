//! Adoption: which customer of the ERP a contact of the platform is already. It is found as for a promotion, and nothing is
//! planned or written.

use super::{
    Engine, SyncError, contact_persons,
    details::{self, shown},
    identity::{name_key, number_key},
    mapping::Mapping,
    matching::{self, Match},
    question::Question,
};
use crate::{
    erp::{CallLog, ContactPersonRow, Erp, ErpError},
    event::{Event, Link, LinkKind, LinkedBy},
};

/// What the ERP knows of a contact.
#[derive(Debug, Clone, PartialEq)]
pub enum Identified {
    /// It is this customer, or this company's contact person.
    Customer {
        /// Which, and by which rule.
        link: Link,
        /// 客户名称, as the ERP shows it.
        name: Option<String>,
        /// Which contact person of the customer it is, where it is one: two contacts with one such key are one person.
        person: Option<String>,
    },
    /// The ERP has its company, and no such contact person there: the contact's first event will add it.
    Joining {
        /// The company.
        ord: i64,
        /// Its 客户名称.
        name: Option<String>,
    },
    /// It is no customer yet.
    Nobody,
    /// A person decides.
    Unclear(Question),
}

impl Engine {
    /// Looks the contact of an event up in the ERP by the rules of a promotion (`contract.md` §3.1). Only reads.
    ///
    /// # Errors
    /// The ERP could not be asked, or refuses to answer.
    pub async fn identify(&self, event: &Event) -> Result<Identified, SyncError> {
        let job = self.job(CallLog::new("adopt", None).rehearsing());
        let (erp, planner) = (&job.erp, &job.planner);
        let (ord, by) = match matching::find(erp, &planner.mapping, event).await? {
            Match::Nobody => return Ok(Identified::Nobody),
            Match::Unclear(question) => return Ok(Identified::Unclear(question)),
            Match::Customer { ord, by } => (ord, by),
        };
        let (kind, detail) = details::detail_of(erp, Mapping::kind(event), ord).await?;
        let name = shown(&detail, "name");
        let mut link = planner.link_to(event, ord, by, (kind, &detail));
        if by == LinkedBy::CompanyName {
            if person_in(erp, ord, event).await?.is_none() {
                return Ok(Identified::Joining { ord, name });
            }
            link.kind = LinkKind::ContactPerson;
            link.khid = shown(&detail, "khid").unwrap_or_default();
        }
        let person = (link.kind == LinkKind::ContactPerson).then(|| person_key(event));
        Ok(Identified::Customer { link, name, person })
    }
}

/// The contact person of a company that the contact is: by its number, or by its name where the ERP has no number for it.
async fn person_in(erp: &Erp, company: i64, event: &Event) -> Result<Option<ContactPersonRow>, ErpError> {
    let name = event.contact().name().unwrap_or_default();
    if let Some(mobile) = Mapping::mobile(event)
        && let Some(row) = contact_persons::person_of(erp, company, Some(mobile), name).await?
    {
        return Ok(Some(row));
    }
    let named = contact_persons::person_of(erp, company, None, name).await?;
    let has_number = |row: &ContactPersonRow| row.mobile.as_deref().is_some_and(|number| !number.trim().is_empty());
    Ok(named.filter(|row| Mapping::mobile(event).is_none() || !has_number(row)))
}

fn person_key(event: &Event) -> String {
    let number = Mapping::mobile(event).and_then(number_key);
    number.unwrap_or_else(|| name_key(event.contact().name().unwrap_or_default()))
}
