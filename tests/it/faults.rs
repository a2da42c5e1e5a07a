//! Every call that writes × everything that can go wrong with it: one effect, or a stated `needs_review`; never two, never
//! none.

use std::time::Duration;

use erp_bridge::{
    clock::{Clock, Millis},
    event::Status,
    simulator::ReplyList,
    store::EventRow,
};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::{
    ledger,
    support::{World, WorldOptions, contact, event, eventually, message, mobile, of_company, promoted, users_in_turn},
};

/// Faults that leave the outcome open to whoever sent the call.
const UNKNOWN: [&str; 11] = [
    "cut_before",
    "cut_after",
    "error_500_before",
    "error_500_after",
    "html_200_before",
    "html_200_after",
    "empty_200_before",
    "empty_200_after",
    "garbled_before",
    "garbled_after",
    // Later than the client waits, sooner than it stops believing in it.
    "late_effect:effect_delay=250ms,delay=600ms",
];
/// Faults whose outcome an answer tells, the first and the last of them falsely.
const TOLD: [&str; 4] = ["not_stored", "session_lost", "session_lost_after", "failed_after"];

async fn world() -> World {
    let configure = |config: &mut erp_bridge::config::Config| {
        config.erp.timeout = Duration::from_millis(200);
        config.erp.late_effect = Duration::from_millis(400);
        config.worker.lease = Duration::from_secs(2);
        config.worker.circuit_failures = 1_000;
    };
    World::with(WorldOptions { configure: Box::new(configure), ..WorldOptions::default() }).await
}

fn rule(interface: &str, fault: &str) -> String {
    let (kind, options) = fault.split_once(':').unwrap_or((fault, ""));
    format!("{interface}:{kind}:times=1{}{options}", if options.is_empty() { "" } else { "," })
}

impl World {
    /// Lets one call of `interface` go wrong with `fault`, posts an event and waits for its end, and until the ERP has
    /// done everything that it was asked for.
    async fn meet(&self, interface: &str, fault: &str, webhook_id: &str, body: &Value) -> EventRow {
        self.sim.handle.clear_calls();
        self.sim.handle.clear_faults();
        self.sim.handle.fault(&rule(interface, fault)).unwrap();
        let id = self.accept(webhook_id, body).await;
        self.settled(&id).await
    }

    async fn settled(&self, id: &str) -> EventRow {
        let row = self.ended(id).await;
        eventually("the ERP is at rest", Duration::from_secs(5), async || {
            let calls = self.sim.handle.calls(0);
            calls.iter().all(|call| call.outcome != "running").then_some(())
        })
        .await;
        row
    }

    /// How often an interface took effect since the last fault was set.
    fn effects(&self, interface: &str) -> usize {
        self.sim.handle.calls_of(interface).iter().filter(|call| call.stored).count()
    }

    fn assert_hit(&self, interface: &str, fault: &str, row: &EventRow) {
        assert_eq!(row.status, Status::Succeeded, "{interface} {fault}: {:?} {:?}", row.error_code, row.error);
        let hit = self.sim.handle.calls_of(interface).iter().filter(|call| !call.faults.is_empty()).count();
        assert_eq!(hit, 1, "{interface} {fault}: the fault hit no call");
    }

    fn assert_once(&self, interface: &str, fault: &str, row: &EventRow) {
        self.assert_hit(interface, fault, row);
        assert_eq!(self.effects(interface), 1, "{interface} {fault}: {:#?}", self.sim.handle.calls_of(interface));
    }

    /// A linked contact, by the way of a new customer.
    async fn linked(&self, id: &str, number: u32) -> i64 {
        self.sim.handle.clear_faults();
        let event = self.accept(&format!("link-{id}"), &promoted(&contact(id, number), 70.0)).await;
        assert_eq!(self.settled(&event).await.status, Status::Succeeded);
        self.ord_of(id).await
    }

    /// A command of the REST interface under a fault.
    async fn command(&self, interface: &str, fault: &str, method: &str, path: &str, body: Option<Value>) -> EventRow {
        self.sim.handle.clear_calls();
        self.sim.handle.clear_faults();
        if !fault.is_empty() {
            self.sim.handle.fault(&rule(interface, fault)).unwrap();
        }
        let (status, answer) = self.call(method, path, body).await;
        assert_eq!(status, 202, "{path}: {answer}");
        self.settled(answer["id"].as_str().unwrap()).await
    }
}

fn all() -> impl Iterator<Item = (u32, &'static str)> {
    (1..).zip(UNKNOWN.into_iter().chain(TOLD))
}

#[tokio::test]
async fn an_allocation_that_goes_wrong_leaves_one_customer() {
    let world = world().await;
    // A failed allocation has no effect, and its words are the answer.
    for (number, fault) in all().filter(|(_, fault)| *fault != "failed_after") {
        let id = format!("c{number}");
        let row = world.meet("allocate", fault, &id, &promoted(&contact(&id, number), 70.0)).await;
        assert_eq!(row.status, Status::Succeeded, "{fault}: {:?}", row.error);
        assert_eq!(world.effects("customer.add"), 1, "{fault}");
        assert_eq!(world.sim.handle.customers_with("khid", &format!("WX{id}")).len(), 1, "{fault}");
    }
}

#[tokio::test]
async fn a_person_that_is_added_badly_is_added_once() {
    let world = world().await;
    for (number, fault) in all() {
        let id = format!("c{number}");
        let row = world.meet("customer.add", fault, &id, &promoted(&contact(&id, number), 70.0)).await;
        world.assert_once("customer.add", fault, &row);
        let customers = world.sim.handle.customers_with("khid", &format!("WX{id}"));
        assert_eq!((customers.len(), customers[0].kind, customers[0].saves), (1, 2, 1), "{fault}");
    }
}

#[tokio::test]
async fn a_save_that_was_lost_is_sent_again_under_an_id_of_its_own() {
    let world = world().await;
    let row = world.meet("customer.add", "cut_before", "m1", &promoted(&contact("c1", 1), 70.0)).await;
    world.assert_once("customer.add", "cut_before", &row);
    // The ERP stores nothing under an allocated id: in between it may have given the first one to somebody else.
    let saves = world.sim.handle.calls_of("customer.add");
    assert_eq!((world.sim.handle.calls_of("allocate").len(), saves.len()), (2, 2));
    assert_ne!(saves[0].fields["ord"], saves[1].fields["ord"]);
}

#[tokio::test]
async fn a_company_that_is_added_badly_is_added_once() {
    let world = world().await;
    for (number, fault) in all() {
        let company = of_company(&format!("c{number}"), number, &format!("杭州第{number}贸易有限公司"));
        let row = world.meet("customer.add", fault, &format!("m{number}"), &promoted(&company, 70.0)).await;
        world.assert_once("customer.add", fault, &row);
        let customers = world.sim.handle.customers_with("khid", &format!("WXc{number}"));
        assert_eq!((customers.len(), customers[0].kind, customers[0].saves), (1, 1, 1), "{fault}");
    }
}

#[tokio::test]
async fn what_a_known_customer_lacks_is_filled_in_once() {
    let world = world().await;
    for (number, fault) in all() {
        let id = format!("c{number}");
        let known = [("name", "李老板"), ("mobile", &mobile(number)), ("khid", &format!("K{number}"))];
        let ord = world.sim.handle.seed_customer_fields(&known).unwrap();
        let row = world.meet("customer.edit", fault, &id, &promoted(&contact(&id, number), 70.0)).await;
        world.assert_once("customer.edit", fault, &row);
        let customer = world.sim.handle.customer(ord).unwrap();
        assert_eq!(customer.saves, 2, "{fault}: seeded, and edited once");
        assert_eq!(customer.fields["weixinAcc"], format!("wx_{id}"), "{fault}");
        assert_eq!(customer.fields["name"], "李老板", "{fault}");
    }
}

#[tokio::test]
async fn a_contact_person_of_a_known_company_is_added_once() {
    let world = world().await;
    for (number, fault) in all() {
        let name = format!("宁波第{number}制造有限公司");
        let ord = world.seed_company(&name, &format!("K{number}"));
        let person = promoted(&of_company(&format!("c{number}"), number, &name), 70.0);
        let row = world.meet("contact.add", fault, &format!("m{number}"), &person).await;
        world.assert_once("contact.add", fault, &row);
        let people = world.sim.handle.contacts().into_iter().filter(|person| person.company == ord && !person.first);
        assert_eq!(people.count(), 1, "{fault}");
        assert_eq!(world.sim.handle.customers_with("name", &name).len(), 1, "{fault}");
    }
}

#[tokio::test]
async fn a_progress_record_is_stored_once() {
    let world = world().await;
    let ord = world.linked("c1", 1).await;
    let mut texts = Vec::new();
    for (number, fault) in all() {
        let number = number as usize;
        let row = world.meet("progress.add", fault, &format!("m{number}"), &message("c1", number, "同样的话")).await;
        world.assert_once("progress.add", fault, &row);
        texts.push("2026-11-23 15:04:05 客户：同样的话");
    }
    // Equal texts of equal times are as many records as messages.
    assert_eq!(world.sim.handle.progress_of(ord), texts);
}

#[tokio::test]
async fn a_write_that_fails_behind_its_effect_is_not_sent_again_for_want_of_a_proven_session() {
    let clock = Clock::manual(Millis(1_795_500_000_000));
    let options = WorldOptions { dispatch: false, clock: clock.clone(), ..WorldOptions::default() };
    let world = World::with(options).await;
    let deal = |number: usize| message("c1", number, &format!("第{number}句"));
    world.accept("p1", &promoted(&contact("c1", 1), 70.0)).await;
    world.app.dispatcher.run_due().await;
    for number in 1..=2 {
        // Longer than the proof of a session lasts: nothing but its words tells why a call failed.
        clock.advance(Duration::from_secs(61));
        world.sim.handle.clear_calls();
        world.sim.handle.clear_faults();
        world.sim.handle.fault("progress.add:failed_after:times=1").unwrap();
        let id = world.accept(&format!("m{number}"), &deal(number)).await;
        world.app.dispatcher.run_due().await;
        assert_eq!(world.event(&id).await.status, Status::Succeeded);
        assert_eq!(world.effects("progress.add"), 1, "{:#?}", world.sim.handle.calls_of("progress.add"));
        // A session that is really gone is renewed all the same.
        clock.advance(Duration::from_secs(61));
        world.sim.handle.expire_sessions();
        world.sim.handle.clear_calls();
        let id = world.accept(&format!("n{number}"), &deal(number + 10)).await;
        world.app.dispatcher.run_due().await;
        assert_eq!(world.event(&id).await.status, Status::Succeeded);
        assert_eq!(world.effects("progress.add"), 1);
    }
}

#[tokio::test]
async fn each_part_of_a_long_message_is_stored_once() {
    let parts = async |skip: u32| {
        let world = world().await;
        let ord = world.linked("c1", 1).await;
        for (number, fault) in (1..).zip(["not_stored", "cut_before", "cut_after", "error_500_after", UNKNOWN[10]]) {
            let said = format!("第{number}条").repeat(800);
            let fault = format!("{fault}{}skip={skip}", if fault.contains(':') { "," } else { ":" });
            let row = world.meet("progress.add", &fault, &format!("m{number}"), &message("c1", number, &said)).await;
            world.assert_hit("progress.add", &fault, &row);
            let stored = world.sim.handle.progress_of(ord);
            let mut pieces: Vec<_> =
                stored[(number - 1) * 3..].iter().filter_map(|text| text.split_once('（')).collect();
            pieces.sort_unstable();
            let told: String = pieces.iter().filter_map(|(_, piece)| Some(piece.split_once('）')?.1)).collect();
            assert_eq!((stored.len(), told), (number * 3, said), "{fault}");
        }
    };
    futures::join!(parts(0), parts(1), parts(2));
}

#[tokio::test]
async fn an_assignment_takes_effect_once() {
    let world = world().await;
    let ord = world.linked("c1", 1).await;
    for (number, fault) in all() {
        // Each to somebody else than the one before.
        let (user, name) = if number % 2 == 0 { ("63", "张伟") } else { ("71", "王芳") };
        let body = json!({ "mode": "users", "users": [user] });
        let row = world.command("assign", fault, "PUT", "/v1/contacts/c1/assignment", Some(body)).await;
        world.assert_once("assign", fault, &row);
        assert_eq!(world.sim.handle.catename(ord).unwrap(), name, "{fault}");
    }
}

#[tokio::test]
async fn the_assignment_of_a_new_customer_takes_effect_once() {
    let options = WorldOptions {
        configure: Box::new(|config| {
            config.erp.timeout = Duration::from_millis(200);
            config.erp.late_effect = Duration::from_millis(400);
            config.worker.circuit_failures = 1_000;
            config.assignment.rules = vec![users_in_turn(&["63", "71"])];
        }),
        ..WorldOptions::default()
    };
    let world = World::with(options).await;
    for (number, fault) in all() {
        let id = format!("c{number}");
        let row = world.meet("assign", fault, &id, &promoted(&contact(&id, number), 70.0)).await;
        world.assert_once("assign", fault, &row);
        let ord = world.ord_of(&id).await;
        let turn = if number % 2 == 1 { "张伟" } else { "王芳" };
        assert_eq!(world.sim.handle.catename(ord).unwrap(), turn, "{fault}");
    }
}

#[tokio::test]
async fn taking_back_applying_and_approving_take_effect_once_each() {
    let world = world().await;
    world.linked("c1", 1).await;
    for (_, fault) in all() {
        for (interface, path, body) in [
            ("takeback", "takeback", None),
            ("apply", "apply", None),
            ("approve", "approval", Some(json!({ "approve": true }))),
        ] {
            let path = format!("/v1/contacts/c1/{path}");
            let row = world.command(interface, fault, "POST", &path, body).await;
            world.assert_once(interface, fault, &row);
        }
    }
}

#[tokio::test]
async fn with_the_progress_list_closed_an_unknown_outcome_waits_for_a_person_and_is_never_sent_twice() {
    for closed in ["404", "refused"] {
        let world = world().await;
        let ord = world.linked("c1", 1).await;
        world.sim.handle.change_settings(|settings| {
            settings.replylist = serde_json::from_value(json!(closed)).unwrap();
        });
        // A save that claims to be done and stores nothing cannot be found out where nothing can be read back.
        for (number, fault) in all().filter(|(_, fault)| *fault != "not_stored") {
            let webhook_id = format!("m{number}");
            let said = message("c1", number as usize, &format!("第{number}句"));
            let row = world.meet("progress.add", fault, &webhook_id, &said).await;
            // A page that breaks down behind its effect tells nothing where nobody can look.
            if TOLD.contains(&fault) && fault != "failed_after" {
                world.assert_once("progress.add", fault, &row);
                continue;
            }
            assert_eq!(
                (row.status, row.error_code.as_deref()),
                (Status::NeedsReview, Some("outcome_unknown")),
                "{fault}"
            );
            assert_eq!(world.sim.handle.calls_of("progress.add").len(), 1, "{closed} {fault}: sent once");
            assert_eq!(row.review.unwrap()["decisions"], json!(["done", "resend"]), "{fault}");
            // The operator looks into the ERP and says what is so.
            let there = world.effects("progress.add");
            let decision = if there == 1 { "done" } else { "resend" };
            let path = format!("/v1/events/{}/resolve", row.id);
            assert_eq!(world.call("POST", &path, Some(json!({ "decision": decision }))).await.0, 200);
            let row = world.settled(&row.id).await;
            assert_eq!(row.status, Status::Succeeded, "{fault} {decision}: {:?}", row.error);
            assert_eq!(world.effects("progress.add"), 1, "{closed} {fault} {decision}");
        }
        let said: Vec<_> = world.sim.handle.progress_of(ord);
        let expected = all().filter(|(_, fault)| *fault != "not_stored");
        let expected: Vec<_> = expected.map(|(number, _)| format!("2026-11-23 15:04:05 客户：第{number}句")).collect();
        assert_eq!(said, expected, "{closed}");
    }
}

#[tokio::test]
async fn a_decision_to_resend_sends_once_and_an_unknown_outcome_of_it_waits_for_a_person_again() {
    let world = world().await;
    let ord = world.linked("c1", 1).await;
    world.sim.handle.change_settings(|settings| settings.replylist = ReplyList::NotFound);
    let row = world.meet("progress.add", "cut_before", "m1", &message("c1", 1, "你好")).await;
    assert_eq!(row.status, Status::NeedsReview);
    world.sim.handle.fault(&rule("progress.add", "cut_after")).unwrap();
    let path = format!("/v1/events/{}/resolve", row.id);
    assert_eq!(world.call("POST", &path, Some(json!({ "decision": "resend" }))).await.0, 200);
    assert_eq!(world.settled(&row.id).await.status, Status::NeedsReview);
    assert_eq!(world.sim.handle.progress_of(ord).len(), 1);
    assert_eq!(world.call("POST", &path, Some(json!({ "decision": "done" }))).await.0, 200);
    assert_eq!(world.settled(&row.id).await.status, Status::Succeeded);
    assert_eq!(world.sim.handle.progress_of(ord), ["2026-11-23 15:04:05 客户：你好"]);
}

/// The step that was asked about may be gone from the plan when the decision's turn comes.
#[tokio::test]
async fn a_decision_on_one_step_settles_and_sends_no_other() {
    for decision in ["done", "resend"] {
        let world = world().await;
        let ord = world.linked("c1", 1).await;
        world.sim.handle.change_settings(|settings| settings.replylist = ReplyList::NotFound);
        let asked = world.meet("progress.add", "cut_before", "m1", &message("c1", 1, "你好")).await;
        let of_another = json!({ "step": "another", "decisions": ["done", "resend"] });
        let url = world.config.database.url.expose_secret();
        ledger::run(url, &format!("update events set review = '{of_another}' where id = '{}'", asked.id)).await;
        let path = format!("/v1/events/{}/resolve", asked.id);
        assert_eq!(world.call("POST", &path, Some(json!({ "decision": decision }))).await.0, 200, "{decision}");
        let row = world.settled(&asked.id).await;
        let end = (row.status, row.error_code.as_deref());
        assert_eq!(end, (Status::NeedsReview, Some("outcome_unknown")), "{decision}: {:?}", row.error);
        assert_eq!(row.review, asked.review, "{decision}: it is asked about the step that is open");
        assert_eq!(world.sim.handle.calls_of("progress.add").len(), 1, "{decision}");
        assert!(world.sim.handle.progress_of(ord).is_empty(), "{decision}");
    }
}

#[tokio::test]
async fn of_several_customers_with_one_number_a_person_names_the_right_one() {
    let world = world().await;
    let known = |name| [("name", name), ("mobile", "13800000001")];
    let first = world.sim.handle.seed_customer_fields(&known("甲先生")).unwrap();
    let second = world.sim.handle.seed_customer_fields(&known("乙先生")).unwrap();
    let id = world.accept("m1", &promoted(&contact("c1", 1), 70.0)).await;
    let later = world.accept("m2", &message("c1", 1, "你好")).await;
    let row = world.settled(&id).await;
    assert_eq!((row.status, row.error_code.as_deref()), (Status::NeedsReview, Some("candidates")));
    let review = row.review.unwrap();
    let candidates: Vec<_> = review["candidates"].as_array().unwrap().iter().map(|one| one["ord"].as_i64()).collect();
    assert_eq!(candidates, [Some(first), Some(second)]);
    let path = format!("/v1/events/{id}/resolve");
    assert_eq!(world.call("POST", &path, Some(json!({ "decision": "link", "ord": second }))).await.0, 200);
    assert_eq!(world.settled(&id).await.status, Status::Succeeded);
    assert_eq!(world.settled(&later).await.status, Status::Succeeded);
    assert_eq!(world.sim.handle.customers().len(), 2);
    assert_eq!(world.sim.handle.progress_of(second).len(), 1);
    let link = world.link_of("c1").await;
    assert_eq!((link.ord, link.linked_by.as_str()), (second, "operator"));
}

#[tokio::test]
async fn a_replayed_event_goes_on_where_the_erp_refused_it_and_repeats_nothing() {
    let options = WorldOptions {
        configure: Box::new(|config| {
            config.assignment.rules = vec![users_in_turn(&["63"])];
        }),
        ..WorldOptions::default()
    };
    let world = World::with(options).await;
    world.sim.handle.fault("assign:refuse:text=该客户已锁定，不能指派").unwrap();
    let id = world.accept("m1", &promoted(&contact("c1", 1), 70.0)).await;
    let row = world.settled(&id).await;
    // The customer is there, its assignment is not.
    assert_eq!((row.status, row.error_code.as_deref()), (Status::Dead, Some("refused")), "{:?}", row.error);
    assert_eq!(world.call("POST", &format!("/v1/events/{id}/replay"), Some(json!({}))).await.0, 200);
    let row = world.settled(&id).await;
    assert_eq!(row.status, Status::Dead, "the assignment is not forgotten: {:?}", row.error);
    assert_eq!(world.sim.handle.calls_of("customer.add").len(), 1);
    assert_eq!(world.sim.handle.calls_of("assign").len(), 2);
}

/// An event that nobody handles has no effect at all, whatever goes wrong.
#[tokio::test]
async fn an_ignored_event_makes_no_call() {
    let world = world().await;
    let (status, body) = world.post("m1", &event("contact.sneezed", json!({ "contact": { "id": "c1" } }))).await;
    assert_eq!((status, &body["status"]), (200, &json!("ignored")));
    assert!(world.sim.handle.calls(0).is_empty());
}
