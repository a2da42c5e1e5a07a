//! What this ERP stores, and the effects that change it. Interfaces decide on an [`Effect`]; [`Data::apply`] is the only
//! place that carries one out, so that a fault can leave it out, delay it, or cut the line around it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;

use super::{
    fields::{self, Fields, get},
    search_log::SearchLog,
    users::User,
};
use crate::clock::Millis;

/// In whose hands a customer is (客户指派, 申请, 审批, 收回).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Holding {
    /// An ordinary customer, open to all users.
    Public,
    /// An ordinary customer of these users (account ids).
    Members {
        /// Account ids.
        members: Vec<i64>,
    },
    /// In the 客户池: nobody's.
    Pool,
    /// 待审核: a user applied for it.
    Pending {
        /// Account id of who applied.
        applicant: i64,
    },
}

impl Holding {
    /// Whether it shows in the ordinary customer list.
    pub(super) fn is_customer(&self) -> bool {
        matches!(self, Self::Public | Self::Members { .. })
    }
}

/// A stored customer.
#[derive(Clone, Debug, Serialize)]
pub struct Customer {
    /// The ERP's id.
    pub ord: i64,
    /// 1 单位客户, 2 个人客户.
    pub kind: u8,
    /// Whose it is.
    #[serde(flatten)]
    pub holding: Holding,
    /// Its fields by the ids of 客户添加; choices hold ids.
    pub fields: Fields,
    /// When it was first saved.
    pub created_at: Millis,
    /// How often it was saved or edited.
    pub saves: u32,
}

/// A stored contact person (联系人).
#[derive(Clone, Debug, Serialize)]
pub struct Contact {
    /// The ERP's id.
    pub ord: i64,
    /// The customer's `ord`.
    pub company: i64,
    /// Whether it came with the customer.
    pub first: bool,
    /// Its fields by the ids of 联系人添加.
    pub fields: Fields,
}

/// A stored progress record (洽谈进展).
#[derive(Clone, Debug, Serialize)]
pub struct Progress {
    /// Its own id, which no client can set.
    pub ord: i64,
    /// The customer's `ord`.
    pub customer: i64,
    /// The position in the order of storing, from 1.
    pub number: usize,
    /// When it was stored.
    pub stored_at: Millis,
    /// Account id of who wrote it.
    pub user: i64,
    /// Its fields: `intro`, `sort`, `lead`, `plantype`.
    pub fields: Fields,
}

/// A change that an interface decided on.
#[derive(Clone, Debug)]
pub(super) enum Effect {
    Allocate { ord: i64, kind: u8, once: bool },
    SaveCustomer { ord: i64, kind: u8, fields: Fields, by: i64, first_contact: bool },
    EditCustomer { ord: i64, fields: Fields },
    Hold { ord: i64, holding: Holding },
    SaveContact { ord: Option<i64>, company: i64, first: bool, fields: Fields },
    AddProgress { customer: i64, fields: Fields, by: i64 },
}

impl Effect {
    /// The texts that it stores.
    pub(super) fn fields_mut(&mut self) -> Option<&mut Fields> {
        match self {
            Self::SaveCustomer { fields, .. }
            | Self::EditCustomer { fields, .. }
            | Self::SaveContact { fields, .. }
            | Self::AddProgress { fields, .. } => Some(fields),
            Self::Allocate { .. } | Self::Hold { .. } => None,
        }
    }
}

/// Everything stored.
#[derive(Debug)]
pub(super) struct Data {
    pub(super) users: Vec<User>,
    pub(super) customers: BTreeMap<i64, Customer>,
    pub(super) contacts: BTreeMap<i64, Contact>,
    pub(super) progress: Vec<Progress>,
    pub(super) allocated: BTreeMap<i64, u8>,
    pub(super) next_customer: i64,
    next_contact: i64,
    next_progress: i64,
    /// khid → customers that have it now.
    by_khid: HashMap<String, BTreeSet<i64>>,
    contacts_of: HashMap<i64, BTreeSet<i64>>,
    progress_of: HashMap<i64, Vec<usize>>,
    logs: HashMap<&'static str, SearchLog>,
}

/// Customers' fields that their first contact person carries too.
const SHARED: [&str; 8] = ["person_name", "mobile", "weixinAcc", "email", "phone", "job", "part1", "qq"];

/// Logs that the lists search: `customer.khid` and so on. `customer.*` holds the usual text columns of 客户列表.
const CUSTOMER_LOGS: [(&str, &str); 2] = [("customer.khid", "khid"), ("customer.name", "name")];
const CONTACT_LOGS: [(&str, &str); 3] =
    [("contact.mobile", "mobile"), ("contact.person_name", "person_name"), ("contact.email", "email")];
const SEARCH_KEY_FIELDS: [&str; 5] = ["name", "khid", "mobile", "weixinAcc", "address"];

impl Data {
    pub(super) fn new(users: Vec<User>) -> Self {
        Self {
            users,
            customers: BTreeMap::new(),
            contacts: BTreeMap::new(),
            progress: Vec::new(),
            allocated: BTreeMap::new(),
            next_customer: 7001,
            next_contact: 9001,
            next_progress: 50_001,
            by_khid: HashMap::new(),
            contacts_of: HashMap::new(),
            progress_of: HashMap::new(),
            logs: HashMap::new(),
        }
    }

    /// Carries `effect` out; answers the `ord` of what it touched.
    pub(super) fn apply(&mut self, effect: Effect, now: Millis) -> i64 {
        match effect {
            Effect::Allocate { ord, kind, once } => {
                self.allocated.insert(ord, kind);
                self.next_customer = self.next_customer.max(ord + i64::from(once));
                ord
            }
            Effect::SaveCustomer { ord, kind, fields, by, first_contact } => {
                self.save_customer(ord, kind, fields, by, now);
                if first_contact {
                    self.refresh_first_contact(ord);
                }
                ord
            }
            Effect::EditCustomer { ord, fields } => {
                self.edit_customer(ord, fields);
                ord
            }
            Effect::Hold { ord, holding } => {
                if let Some(customer) = self.customers.get_mut(&ord) {
                    customer.holding = holding;
                }
                ord
            }
            Effect::SaveContact { ord, company, first, fields } => self.save_contact(ord, company, first, fields),
            Effect::AddProgress { customer, fields, by } => self.add_progress(customer, fields, by, now),
        }
    }

    /// Overwrites the record of `ord`, or makes it: then it is the saving user's.
    fn save_customer(&mut self, ord: i64, kind: u8, fields: Fields, by: i64, now: Millis) {
        self.allocated.remove(&ord);
        self.next_customer = self.next_customer.max(ord + 1);
        self.forget_khid(ord);
        let old = self.customers.remove(&ord);
        let holding = old.as_ref().map_or(Holding::Members { members: vec![by] }, |old| old.holding.clone());
        let (created_at, saves) = old.map_or((now, 0), |old| (old.created_at, old.saves));
        self.customers.insert(ord, Customer { ord, kind, holding, fields, created_at, saves: saves + 1 });
        self.remember(ord);
    }

    /// Changes the given fields; the first contact person, where there is one, follows.
    fn edit_customer(&mut self, ord: i64, fields: Fields) {
        self.forget_khid(ord);
        if let Some(customer) = self.customers.get_mut(&ord) {
            customer.fields.extend(fields);
            customer.saves += 1;
        }
        self.remember(ord);
        if self.first_contact(ord).is_some() {
            self.refresh_first_contact(ord);
        }
    }

    /// Every customer has a first contact person that carries its `mobile` and `weixinAcc` (`erp-wire.md` §3).
    fn refresh_first_contact(&mut self, ord: i64) {
        let Some(customer) = self.customers.get(&ord) else { return };
        let mut fields: Fields = fields::only(&customer.fields, fields::CONTACT);
        fields.retain(|id, _| SHARED.contains(&id.as_str()));
        if get(&fields, "person_name").is_empty() {
            fields.insert("person_name".to_owned(), get(&customer.fields, "name").to_owned());
        }
        let first = self.first_contact(ord).map(|contact| contact.ord);
        self.save_contact(first, ord, true, fields);
    }

    /// The contact person that came with a customer.
    pub(super) fn first_contact(&self, customer: i64) -> Option<&Contact> {
        self.contacts_of(customer).find(|contact| contact.first)
    }

    fn save_contact(&mut self, ord: Option<i64>, company: i64, first: bool, fields: Fields) -> i64 {
        let ord = ord.unwrap_or(self.next_contact);
        self.next_contact = self.next_contact.max(ord + 1);
        for (log, id) in CONTACT_LOGS {
            self.logs.entry(log).or_default().note(get(&fields, id), ord);
        }
        self.logs.entry("contact.company").or_default().note(&company.to_string(), ord);
        self.contacts_of.entry(company).or_default().insert(ord);
        let contact = self.contacts.entry(ord).or_insert(Contact { ord, company, first, fields: Fields::new() });
        contact.company = company;
        contact.fields.extend(fields);
        ord
    }

    fn add_progress(&mut self, customer: i64, fields: Fields, user: i64, stored_at: Millis) -> i64 {
        let ord = self.next_progress;
        self.next_progress += 1;
        self.progress_of.entry(customer).or_default().push(self.progress.len());
        let number = self.progress.len() + 1;
        self.progress.push(Progress { ord, customer, number, stored_at, user, fields });
        ord
    }

    /// A person deletes a customer: its contact persons go with it, its records are nobody's. Whether there was one.
    pub(super) fn delete_customer(&mut self, ord: i64) -> bool {
        self.forget_khid(ord);
        for contact in self.contacts_of.remove(&ord).unwrap_or_default() {
            self.contacts.remove(&contact);
        }
        self.progress_of.remove(&ord);
        self.customers.remove(&ord).is_some()
    }

    /// A person merges a customer into another: its contact persons and its records go over. Whether there were both.
    pub(super) fn merge_customers(&mut self, from: i64, into: i64) -> bool {
        if from == into || ![from, into].iter().all(|ord| self.customers.contains_key(ord)) {
            return false;
        }
        for contact in self.contacts_of.remove(&from).unwrap_or_default() {
            self.save_contact(Some(contact), into, false, Fields::new());
            if let Some(contact) = self.contacts.get_mut(&contact) {
                contact.first = false;
            }
        }
        let records = self.progress_of.remove(&from).unwrap_or_default();
        for record in &records {
            self.progress[*record].customer = into;
        }
        self.progress_of.entry(into).or_default().extend(records);
        self.delete_customer(from)
    }

    /// A person writes a field of a customer. Whether there is such a customer.
    pub(super) fn change_field(&mut self, ord: i64, field: &str, value: &str) -> bool {
        self.forget_khid(ord);
        let customer = self.customers.get_mut(&ord);
        let is_there = customer.map(|customer| customer.fields.insert(field.to_owned(), value.to_owned())).is_some();
        self.remember(ord);
        is_there
    }

    fn forget_khid(&mut self, ord: i64) {
        let khid = self.customers.get(&ord).map(|customer| get(&customer.fields, "khid"));
        if let Some(ords) = khid.and_then(|khid| self.by_khid.get_mut(khid)) {
            ords.remove(&ord);
        }
    }

    fn remember(&mut self, ord: i64) {
        let Some(customer) = self.customers.get(&ord) else { return };
        let khid = get(&customer.fields, "khid");
        if !khid.is_empty() {
            self.by_khid.entry(khid.to_owned()).or_default().insert(ord);
        }
        for (log, id) in CUSTOMER_LOGS {
            self.logs.entry(log).or_default().note(get(&customer.fields, id), ord);
        }
        let fields = SEARCH_KEY_FIELDS.map(|id| get(&customer.fields, id)).join("\u{1e}");
        let all = format!("{fields}\u{1e}{}", customer.created_at.erp_local());
        self.logs.entry("customer.*").or_default().note(&all, ord);
    }

    /// The contact persons of a customer, oldest first.
    pub(super) fn contacts_of(&self, customer: i64) -> impl Iterator<Item = &Contact> {
        self.contacts_of.get(&customer).into_iter().flatten().filter_map(|ord| self.contacts.get(ord))
    }

    /// The progress records of a customer, oldest first.
    pub(super) fn progress_of(&self, customer: i64) -> impl DoubleEndedIterator<Item = &Progress> {
        self.progress_of.get(&customer).into_iter().flatten().filter_map(|index| self.progress.get(*index))
    }

    /// Customers that carry exactly this `khid`.
    pub(super) fn with_khid(&self, khid: &str) -> impl Iterator<Item = i64> {
        self.by_khid.get(khid).into_iter().flatten().copied()
    }

    /// Records that may hold `needle` in the logged field; the caller compares again with what is stored now.
    pub(super) fn candidates(&self, log: &str, needle: &str) -> BTreeSet<i64> {
        self.logs.get(log).map(|log| log.find(needle)).unwrap_or_default()
    }

    /// An account by its id.
    pub(super) fn user(&self, ord: i64) -> Option<&User> {
        self.users.iter().find(|user| user.ord == ord)
    }

    /// `catename`: whose the customer is, empty when it is open to all or in the pool (`erp-wire.md` §3).
    pub(super) fn catename(&self, holding: &Holding) -> String {
        let Holding::Members { members } = holding else { return String::new() };
        let names: Vec<&str> =
            members.iter().filter_map(|ord| self.user(*ord)).map(|user| user.name.as_str()).collect();
        names.join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn saving_an_ord_again_overwrites_and_keeps_who_holds_it() {
        let mut data = Data::new(vec![]);
        let save = |khid: &str| Effect::SaveCustomer {
            ord: 7001,
            kind: 2,
            fields: Fields::from([("name".into(), "张三".into()), ("khid".into(), khid.into())]),
            by: 1,
            first_contact: true,
        };
        data.apply(save("WX1"), Millis(1));
        data.apply(Effect::Hold { ord: 7001, holding: Holding::Public }, Millis(2));
        data.apply(save("WX2"), Millis(3));
        assert_eq!(data.customers.len(), 1);
        assert_eq!(data.customers[&7001].holding, Holding::Public);
        assert_eq!((data.with_khid("WX1").count(), data.with_khid("WX2").count()), (0, 1));
        assert_eq!(data.contacts_of(7001).count(), 1);
        assert_eq!(get(&data.contacts[&9001].fields, "person_name"), "张三");
    }
}
