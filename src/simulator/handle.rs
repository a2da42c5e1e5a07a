//! Direct access to a running simulator, for tests in the same process and for the control interface.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::clock::Millis;

use super::{
    call_log::CallRecord,
    data::{Contact, Customer, Effect, Holding, Progress},
    faults::FaultRule,
    fields::{CONTACT, CUSTOMER, Fields, check_choices, check_lengths, get, only, require},
    load::Load,
    quirks::{Quirk, Quirks},
    settings::Settings,
    world::World,
};

/// A handle on a simulator's state; clones are handles on the same one.
#[derive(Clone)]
pub struct Handle {
    world: Arc<Mutex<World>>,
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Handle")
    }
}

/// Customers and contact persons to put in without a call.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seed {
    /// Customers.
    #[serde(default)]
    pub customers: Vec<SeedRecord>,
    /// Contact persons; `company` is the customer's `ord`.
    #[serde(default)]
    pub contacts: Vec<SeedRecord>,
}

/// Field id → value, as a save would carry it; a customer's `kind` (1 or 2, default 2) and `stype` (1 客户池) go with them.
pub type SeedRecord = serde_json::Map<String, Value>;

/// The `ord`s of what was put in, in the order given.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Seeded {
    /// Of the customers.
    pub customers: Vec<i64>,
    /// Of the contact persons.
    pub contacts: Vec<i64>,
}

impl Handle {
    pub(super) fn new(world: World) -> Self {
        Self { world: Arc::new(Mutex::new(world)) }
    }

    /// The state itself. A handler that panicked left whole values behind: effects are applied last.
    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every customer, by rising `ord`.
    pub fn customers(&self) -> Vec<Customer> {
        self.world().data.customers.values().cloned().collect()
    }

    /// One customer.
    pub fn customer(&self, ord: i64) -> Option<Customer> {
        self.world().data.customers.get(&ord).cloned()
    }

    /// Customers with exactly this value in a field: `with("khid", "WX1")`.
    pub fn customers_with(&self, field: &str, value: &str) -> Vec<Customer> {
        self.customers().into_iter().filter(|customer| get(&customer.fields, field) == value).collect()
    }

    /// Whose a customer is as its list row says it (`catename`).
    pub fn catename(&self, ord: i64) -> Option<String> {
        let world = self.world();
        world.data.customers.get(&ord).map(|customer| world.data.catename(&customer.holding))
    }

    /// Every contact person, by rising `ord`.
    pub fn contacts(&self) -> Vec<Contact> {
        self.world().data.contacts.values().cloned().collect()
    }

    /// Every progress record, in the order of storing.
    pub fn progress(&self) -> Vec<Progress> {
        self.world().data.progress.clone()
    }

    /// The `intro`s of a customer's progress records, in the order of storing.
    pub fn progress_of(&self, customer: i64) -> Vec<String> {
        self.world().data.progress_of(customer).map(|record| get(&record.fields, "intro").to_owned()).collect()
    }

    /// The call log after call number `since`; 0 for all of it.
    pub fn calls(&self, since: u64) -> Vec<CallRecord> {
        self.world().call_log.since(since).cloned().collect()
    }

    /// How many calls are under way, and were.
    pub fn load(&self) -> Load {
        let mut world = self.world();
        let now = world.clock.steady();
        world.meter.read(now)
    }

    /// How many customers and progress records there are.
    pub fn stored(&self) -> usize {
        let world = self.world();
        world.data.customers.len() + world.data.progress.len()
    }

    /// Pairs of calls, by their numbers, that wrote to one customer at once.
    pub fn writes_at_once(&self) -> Vec<(u64, u64)> {
        self.world().call_log.at_once().to_vec()
    }

    /// The calls of one interface, by its name.
    pub fn calls_of(&self, interface: &str) -> Vec<CallRecord> {
        self.world().call_log.since(0).filter(|call| call.interface == interface).cloned().collect()
    }

    /// Forgets the calls so far; their numbers go on.
    pub fn clear_calls(&self) {
        self.world().call_log.clear();
    }

    /// Replaces all fault rules. Errors name the wrong one; then nothing is changed.
    pub fn set_faults(&self, rules: Vec<FaultRule>) -> Result<(), String> {
        rules.iter().try_for_each(FaultRule::check)?;
        self.world().faults.set(rules);
        Ok(())
    }

    /// Adds a fault rule, written as the flag `--fault` takes it: `progress.add:cut_after:times=1`.
    pub fn fault(&self, rule: &str) -> Result<(), String> {
        let rule = rule.parse()?;
        self.world().faults.add(rule);
        Ok(())
    }

    /// Removes all fault rules.
    pub fn clear_faults(&self) {
        self.world().faults.set(Vec::new());
    }

    /// Replaces the quirks.
    pub fn set_quirks(&self, quirks: Quirks) {
        self.world().quirks = quirks;
    }

    /// The settings now.
    pub fn settings(&self) -> Settings {
        self.world().settings.clone()
    }

    /// Changes settings.
    pub fn change_settings(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.world().settings);
    }

    /// Ends every session; how many there were.
    pub fn expire_sessions(&self) -> usize {
        self.world().sessions.end_all()
    }

    /// Whether the login demands `rndcode`.
    pub fn is_login_locked(&self) -> bool {
        self.world().sessions.locked
    }

    /// Takes passwords again.
    pub fn unlock_login(&self) {
        self.world().sessions.unlock();
    }

    /// Back to the state at the start: no data, no sessions, no calls; settings, quirks and faults as configured.
    pub fn reset(&self) {
        let mut world = self.world();
        *world = World::new(world.config.clone());
    }

    /// Puts customers and contact persons in, past every interface but not past their limits. Errors name the record; then
    /// those before it are in.
    pub fn seed(&self, seed: &Seed) -> Result<Seeded, String> {
        let mut seeded = Seeded::default();
        for (at, record) in seed.customers.iter().enumerate() {
            let ord = self.seed_customer(record).map_err(|why| format!("customers[{at}]: {why}"))?;
            seeded.customers.push(ord);
        }
        for (at, record) in seed.contacts.iter().enumerate() {
            let ord = self.seed_contact(record).map_err(|why| format!("contacts[{at}]: {why}"))?;
            seeded.contacts.push(ord);
        }
        Ok(seeded)
    }

    /// Deletes a customer, as a person does in the ERP. Whether there was one.
    pub fn delete_customer(&self, ord: i64) -> bool {
        self.world().data.delete_customer(ord)
    }

    /// Writes a field of a customer, as a person does in the ERP. Whether there is such a customer.
    pub fn change_customer_field(&self, ord: i64, field: &str, value: &str) -> bool {
        self.world().data.change_field(ord, field, value)
    }

    /// Adds an account in use.
    pub fn add_user(&self, ord: i64, name: &str) {
        let (username, name) = (format!("user{ord}"), name.to_owned());
        self.world().data.users.push(super::User { ord, username, name, status: 1, partname: "销售部".to_owned() });
    }

    /// Gives a customer to an account, as a person does in the ERP. Whether there is such a customer.
    pub fn assign(&self, customer: i64, user: i64) -> bool {
        self.hold(customer, Holding::Members { members: vec![user] })
    }

    /// Puts a customer into 客户池, as a person does in the ERP. Whether there is such a customer.
    pub fn take_back(&self, customer: i64) -> bool {
        self.hold(customer, Holding::Pool)
    }

    /// Has an account apply for a customer, as a person does in the ERP. Whether there is such a customer.
    pub fn apply_for(&self, customer: i64, user: i64) -> bool {
        self.hold(customer, Holding::Pending { applicant: user })
    }

    fn hold(&self, ord: i64, holding: Holding) -> bool {
        let mut world = self.world();
        let now = world.clock.now();
        world.data.customers.contains_key(&ord) && world.data.apply(Effect::Hold { ord, holding }, now) > 0
    }

    /// Merges a customer into another, as a person does in the ERP. Whether there were both.
    pub fn merge_customers(&self, from: i64, into: i64) -> bool {
        self.world().data.merge_customers(from, into)
    }

    /// Puts one customer in, with these fields: `[("name", "张三"), ("mobile", "13800138000")]`.
    pub fn seed_customer_fields(&self, fields: &[(&str, &str)]) -> Result<i64, String> {
        self.seed_customer(&fields.iter().map(|(id, value)| ((*id).to_owned(), json!(value))).collect())
    }

    /// Stores so many progress records of other people at a customer, written at that moment.
    pub fn seed_progress(&self, customer: i64, count: usize, at: Millis) {
        let mut world = self.world();
        for number in 1..=count {
            let fields = Fields::from([("intro".to_owned(), format!("第{number}次拜访，谈的很好"))]);
            world.data.apply(Effect::AddProgress { customer, fields, by: 1 }, at);
        }
    }

    fn seed_customer(&self, record: &SeedRecord) -> Result<i64, String> {
        let record = as_fields(record);
        let kind = match get(&record, "kind") {
            "1" => 1,
            "" | "2" => 2,
            other => return Err(format!("kind is 1 or 2, not {other}")),
        };
        let mut fields = only(&record, CUSTOMER);
        fields.entry("sort1".to_owned()).or_insert_with(|| "3,7".to_owned());
        require(&fields, CUSTOMER, &["name"])?;
        check_lengths(&fields, CUSTOMER)?;
        let mut world = self.world();
        check_choices(&fields, &world.settings.choices)?;
        let now = world.clock.now();
        let ord = get(&record, "ord").parse().unwrap_or(world.data.next_customer);
        let first_contact = !world.quirks.has(Quirk::NoFirstContact);
        world.data.apply(Effect::SaveCustomer { ord, kind, fields, by: 1, first_contact }, now);
        if get(&record, "stype") == "1" {
            world.data.apply(Effect::Hold { ord, holding: Holding::Pool }, now);
        }
        Ok(ord)
    }

    fn seed_contact(&self, record: &SeedRecord) -> Result<i64, String> {
        let record = as_fields(record);
        let fields = only(&record, CONTACT);
        require(&fields, CONTACT, &["person_name"])?;
        check_lengths(&fields, CONTACT)?;
        let mut world = self.world();
        let company = get(&record, "company").parse().ok().filter(|ord| world.data.customers.contains_key(ord));
        let company = company.ok_or("company is no customer's ord")?;
        let now = world.clock.now();
        Ok(world.data.apply(Effect::SaveContact { ord: None, company, first: false, fields }, now))
    }

    /// Everything as `GET /__control/state` shows it.
    pub fn state(&self) -> Value {
        let world = self.world();
        let data = &world.data;
        let customers: Vec<Value> = data
            .customers
            .values()
            .map(|customer| {
                let mut shown = json!(customer);
                shown["catename"] = json!(data.catename(&customer.holding));
                shown
            })
            .collect();
        let progress: Vec<Value> = data
            .progress
            .iter()
            .map(|record| {
                let mut shown = json!(record);
                shown["time"] = json!(record.stored_at.rfc3339());
                shown
            })
            .collect();
        json!({
            "customers": customers,
            "contacts": data.contacts.values().collect::<Vec<_>>(),
            "progress": progress,
            "allocated": data.allocated.keys().collect::<Vec<_>>(),
            "users": data.users,
            "sessions": world.sessions.count(),
            "login_locked": world.sessions.locked,
            "counters": {
                "calls": world.call_log.total(),
                "by_interface": world.call_log.by_interface,
                "stored": world.call_log.stored,
                "logins": world.sessions.logins,
                "login_failures": world.sessions.failures,
            },
        })
    }
}

fn as_fields(record: &SeedRecord) -> Fields {
    record.iter().map(|(id, value)| (id.clone(), super::call::text(value))).collect()
}
