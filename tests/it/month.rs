//! The first month at an installation as integrators found it: four hundred contacts, or fewer, of whom the ERP has a hundred
//! and twenty. Whatever the platform sends, nobody becomes a customer twice, nobody is taken for another, and who cannot be
//! told is asked about.

mod diary;
mod people;
mod truth;

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Stdio,
    time::Duration,
};

use diary::{DAY, Entry};
use erp_bridge::{
    clock::{Clock, Millis},
    config::{Config, SameName},
    event::Status,
    simulator::{Profile, Quirks},
    store::EventFilter,
};
use people::{Expected, MASKED_FROM, Person, SMALL, Size, WHOLE, Who};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use tokio::process::Command;
use truth::Before;

use crate::support::{OPERATOR, Seed, World, WorldOptions, eventually, users_in_turn};

/// The first morning of the month.
const START: Millis = Millis(1_795_500_000_000);
/// Contacts of one call of the adoption.
const ADOPTED_AT_ONCE: usize = 50;
/// A day's events are done within this time.
const LIMIT: Duration = Duration::from_secs(120);

#[tokio::test]
async fn after_adoption_and_a_month_nobody_is_a_customer_twice_and_every_chat_is_in_order() {
    passes(32, WHOLE, By::Rest).await;
}

#[tokio::test]
async fn a_month_of_others_whom_the_platform_has_adopted_is_as_good() {
    passes(33, SMALL, By::Rest).await;
}

#[tokio::test]
async fn a_month_of_those_whom_the_command_line_has_adopted_is_as_good() {
    passes(34, SMALL, By::Command).await;
}

/// Who adopts.
enum By {
    /// The platform, over the REST interface.
    Rest,
    /// A person, by `erp-bridge adopt --apply`.
    Command,
}

async fn passes(seed: u64, size: Size, by: By) {
    let seed = Seed::asked_or(seed, "month");
    let mut month = Month::begin(seed.number, size).await;
    month.adopt(by).await;
    let days = diary::write(&month.people, START, &mut month.rng);
    for (day, entries) in days.iter().enumerate() {
        if day == MASKED_FROM {
            let quirks = Quirks::parse(["refused_status_0", "masked_lists", "masked_details"]).unwrap();
            month.world.sim.handle.set_quirks(quirks);
        }
        month.live(entries).await;
    }
    month.check(&BTreeSet::new()).await;
    let decided = month.decide().await;
    month.check(&decided).await;
}

/// An installation, a platform, and what was accepted of it.
struct Month {
    world: World,
    clock: Clock,
    rng: StdRng,
    before: Before,
    people: Vec<Person>,
    /// The marks of each contact's events, in the order in which they were accepted.
    accepted: Vec<Vec<String>>,
    sent: usize,
}

impl Month {
    async fn begin(seed: u64, size: Size) -> Self {
        let clock = Clock::manual(START);
        let sim = Profile::load("live-32").unwrap().config().unwrap();
        let options =
            WorldOptions { sim, configure: Box::new(configure), clock: clock.clone(), ..WorldOptions::default() };
        let world = World::with(options).await;
        let mut rng = StdRng::seed_from_u64(seed);
        let people = people::draw(&world.sim.handle, &mut rng, size);
        let accepted = people.iter().map(|_| Vec::new()).collect();
        Self { before: Before::of(&world), world, clock, rng, people, accepted, sent: 0 }
    }

    /// The platform's export of the first day: whoever shows up later is not in it.
    async fn adopt(&self, by: By) {
        let exported: Vec<&Person> = self.people.iter().filter(|person| person.first_day < 15).collect();
        match by {
            By::Rest => self.adopt_by_rest(&exported).await,
            By::Command => self.adopt_by_command(&exported).await,
        }
        let links = truth::links(&self.world, &self.people).await;
        for person in exported {
            let is_linked = links.contains_key(&person.id);
            assert_eq!(is_linked, person.expected == Expected::Adopted, "{}", person.contact);
        }
        truth::nobody_is_twice_or_another(&self.world, &self.before, &self.people, &links);
        assert!(links.len() > 40, "{}", links.len());
    }

    async fn adopt_by_rest(&self, exported: &[&Person]) {
        for people in exported.chunks(ADOPTED_AT_ONCE) {
            let contacts: Vec<&Value> = people.iter().map(|person| &person.contact).collect();
            let body = json!({ "contacts": contacts, "apply": true });
            let (status, answer) = self.world.call("POST", "/v1/contacts/adopt", Some(body)).await;
            assert_eq!(status, 200, "{answer}");
            for (person, item) in people.iter().zip(answer["items"].as_array().unwrap()) {
                let is_linked = item["outcome"] == "linked";
                assert_eq!(is_linked, person.expected == Expected::Adopted, "{}: {item}", person.contact);
            }
        }
    }

    async fn adopt_by_command(&self, exported: &[&Person]) {
        let dir = tempfile::tempdir().unwrap();
        let lines: Vec<String> = exported.iter().map(|person| person.contact.to_string()).collect();
        std::fs::write(dir.path().join("contacts.jsonl"), lines.join("\n")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_erp-bridge"));
        command.args(["adopt", "--contacts", "contacts.jsonl", "--apply", "--url", &self.world.url("")]);
        command.args(["--token", OPERATOR]).current_dir(dir.path()).env_clear().stdin(Stdio::null());
        let output = command.output().await.unwrap();
        let said = [output.stdout, output.stderr].map(|said| String::from_utf8(said).unwrap()).concat();
        assert!(output.status.success(), "{said}");
    }

    /// A day: what happens on the platform is sent, some of it twice, and the bridge does it.
    async fn live(&mut self, entries: &[Entry]) {
        for entry in entries {
            self.sent += 1;
            let webhook_id = format!("w{}", self.sent);
            let (_, status) = self.world.sender.deliver(&webhook_id, &entry.event).await;
            match (&entry.mark, status.as_str()) {
                (Some(mark), "queued" | "held") => self.accepted[entry.person].push(mark.clone()),
                (None, "queued" | "ignored" | "not_admitted") => {}
                other => panic!("{other:?}: {}", entry.event),
            }
            if self.rng.random_bool(0.05) {
                let (_, status) = self.world.sender.deliver(&webhook_id, &entry.event).await;
                assert_eq!(status, "duplicate");
            }
        }
        self.settle().await;
        self.clock.advance(DAY);
    }

    /// Waits until nothing is open but what waits behind a question.
    async fn settle(&self) {
        let of = async |statuses: &[Status]| {
            let filter = EventFilter { statuses: statuses.to_vec(), ..EventFilter::default() };
            let listed = self.world.app.store.list_events(&filter, None, 100_000).await.unwrap();
            listed.into_iter().filter_map(|event| event.contact_id).collect::<BTreeSet<_>>()
        };
        eventually("the day's events are done", LIMIT, async || {
            // What is tried again waits for its time.
            self.clock.advance(Duration::from_millis(20));
            let open = of(&[Status::Queued, Status::Running]).await;
            open.is_subset(&of(&[Status::NeedsReview]).await).then_some(())
        })
        .await;
    }

    async fn check(&self, decided: &BTreeSet<String>) {
        let links = truth::links(&self.world, &self.people).await;
        truth::nobody_is_twice_or_another(&self.world, &self.before, &self.people, &links);
        truth::questions(&self.world, &self.people, decided).await;
        truth::chats(&self.world, &self.people, &links, &self.accepted);
        self.before.is_kept(&self.world);
        for person in &self.people {
            let must = match person.expected {
                Expected::Adopted | Expected::Linked => true,
                Expected::Review => decided.contains(&person.id),
                Expected::Outside => false,
            };
            assert_eq!(links.contains_key(&person.id), must, "{} {:?}", person.contact, person.expected);
        }
    }

    /// A person decides every other question, who knows the truth.
    async fn decide(&self) -> BTreeSet<String> {
        let who: BTreeMap<&str, &Who> = self.people.iter().map(|it| (it.id.as_str(), &it.who)).collect();
        let mut decided = BTreeSet::new();
        for event in truth::rows(&self.world, &[Status::NeedsReview]).await.iter().step_by(2) {
            let contact = event.contact_id.clone().unwrap();
            let decision = match who[contact.as_str()] {
                Who::Customer(ord) => json!({ "decision": "link", "ord": ord }),
                Who::New(_) => json!({ "decision": "recreate" }),
            };
            let path = format!("/v1/events/{}/resolve", event.id);
            let (status, answer) = self.world.call("POST", &path, Some(decision)).await;
            assert_eq!(status, 200, "{answer}");
            decided.insert(contact);
        }
        self.settle().await;
        decided
    }
}

/// What an operator writes for such an installation.
fn configure(config: &mut Config) {
    config.erp.values.source = "网站注册".into();
    config.erp.values.sort = "终端客户".into();
    config.erp.values.stage_after_deal = "已成交".into();
    config.conflicts.same_name = SameName::Review;
    config.assignment.rules = vec![users_in_turn(&["63", "71"])];
}
