//! The link of a contact as pages show it.

use crate::{
    console::{
        format::{Moment, cut, moment},
        frame::Frame,
    },
    event::{LinkKind, LinkedBy},
    http::api::views::ContactView,
};

/// Characters of a 客户编号 that are shown: a list has fifty of them.
const KHID_SHOWN: usize = 100;

/// A contact and its customer.
pub(super) struct LinkRow {
    pub(super) contact: String,
    /// What the contact is called; empty where that is not known.
    pub(super) name: String,
    pub(super) ord: i64,
    pub(super) khid: String,
    pub(super) kind: &'static str,
    pub(super) linked_by: &'static str,
    pub(super) linked_at: Moment,
}

impl LinkRow {
    pub(super) fn of(link: &ContactView, name: Option<&String>, frame: &Frame) -> Self {
        let w = &frame.w.contacts;
        Self {
            contact: link.contact_id.clone(),
            name: name.cloned().unwrap_or_default(),
            ord: link.ord,
            khid: cut(&link.khid, KHID_SHOWN),
            kind: match link.kind {
                LinkKind::Person => w.person,
                LinkKind::Company => w.company,
                LinkKind::ContactPerson => w.contact_person,
            },
            linked_by: match link.linked_by {
                LinkedBy::Created => w.by_created,
                LinkedBy::Khid => w.by_khid,
                LinkedBy::Mobile => w.by_mobile,
                LinkedBy::CompanyName => w.by_company,
                LinkedBy::Hint => w.by_hint,
                LinkedBy::Operator => w.by_operator,
                LinkedBy::Adopt => w.by_adopt,
            },
            linked_at: moment(&link.linked_at, frame.now, frame.lang),
        }
    }
}
