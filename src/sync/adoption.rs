//! Adoption: which customer of the ERP a contact of the platform is already. It is found as for a promotion, and nothing is
//! planned or written.

use super::{
    Engine, Journal, SyncError,
    contact_persons::Role,
    details::shown,
    hint::{self, Hint, Known, Misfit},
    identity::name_key,
    mapping::Mapping,
    matching::{Match, Sought},
    phone_match::number_key,
    question::Question,
    task::Planner,
    text::lost_letters,
};
use crate::{
    erp::CallLog,
    event::{Event, FieldError, Link, LinkKind, LinkedBy},
};

/// What a look into the ERP brought.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Identity {
    /// Who the contact is.
    pub(crate) identified: Identified,
    /// Why the customer that the platform names is not taken.
    pub(crate) warning: Option<FieldError>,
}

/// What the ERP knows of a contact.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Identified {
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
    pub(crate) async fn identify(&self, journal: &dyn Journal, event: &Event) -> Result<Identity, SyncError> {
        let job = self.job(CallLog::new("adopt", None).rehearsing());
        let (erp, planner) = (&job.erp, &*job.planner);
        let (mut warning, mut unclear) = (None, None);
        if let Some(named) = event.contact().erp() {
            match hint::check(erp, journal, &planner.mapping, event, named).await? {
                Hint::Holds(known) => {
                    let identified = identified(planner, event, LinkedBy::Hint, known);
                    return Ok(Identity { identified, warning: None });
                }
                Hint::Fails(misfit) => warning = Some(misfit.warning()),
                Hint::Unclear(candidate) => {
                    (warning, unclear) = (Some(Misfit::OtherPerson.warning()), Some(candidate));
                }
            }
        }
        let sought = Sought { erp, mapping: &planner.mapping, event, others: &[] };
        let identified = match sought.find().await? {
            Match::Nobody => planner.asked_about(unclear).map_or(Identified::Nobody, Identified::Unclear),
            Match::Unclear(question) => Identified::Unclear(question),
            Match::Customer { ord, by: by @ LinkedBy::CompanyName } => match planner.joined(erp, event, ord).await? {
                Ok(known) => identified(planner, event, by, known),
                Err(question) => Identified::Unclear(question),
            },
            Match::Customer { ord, by } => identified(planner, event, by, planner.known(erp, event, ord, by).await?),
        };
        Ok(Identity { identified, warning })
    }
}

fn identified(planner: &Planner, event: &Event, by: LinkedBy, known: Known) -> Identified {
    let name = shown(&known.detail, "name");
    if known.role == Role::NewContactPerson {
        return Identified::Joining { ord: known.ord, name };
    }
    let link = planner.link_to(event, by, &known);
    let person = (link.kind == LinkKind::ContactPerson).then(|| person_key(event));
    Identified::Customer { link, name, person }
}

/// By what contact persons of one company are told apart: the number, else the name; whom neither is known of is nobody else.
pub(crate) fn person_key(event: &Event) -> String {
    let contact = event.contact();
    let named = || match contact.name() {
        Some(name) => format!("{} {}", name_key(name), lost_letters(name)),
        None => contact.id().to_owned(),
    };
    Mapping::mobile(event).and_then(number_key).unwrap_or_else(named)
}
