//! What the ledger's newest survey decides: the same work with fewer calls, and without it all as careful as before.

use std::time::Duration;

use erp_bridge::{
    app::survey_erp,
    event::Status,
    simulator::{Population, Quirk, Quirks, ReplyList, Settings, SimConfig},
};
use serde_json::{Value, json};

use super::populated;
use crate::support::{World, WorldOptions, contact, message, mobile, promoted};

/// What is done with an installation on which the contact `c1` is a customer: an event, or a call that becomes one.
enum Act {
    Event(Value),
    Call(&'static str, &'static str, Value),
}

/// How the act ends, and how many calls of `interface` it makes: without a survey, and with one.
async fn without_and_with(sim: impl Fn() -> SimConfig, act: &Act, interface: &str) -> [(Status, usize); 2] {
    let mut seen = Vec::new();
    for is_surveyed in [false, true] {
        let mut world = World::with(WorldOptions { sim: sim(), ..WorldOptions::default() }).await;
        let first = world.handle("p1", &promoted(&contact("c1", 1), 80.0)).await;
        assert!([Status::Succeeded, Status::NeedsReview].contains(&first.status), "{:?}", first.error);
        if is_surveyed {
            let surveyed = survey_erp(&world.config, Duration::ZERO, false).await.unwrap();
            assert_eq!(surveyed.not_kept, None);
        }
        world.restart().await;
        world.sim.handle.clear_calls();
        let id = match act {
            Act::Event(event) => world.accept("e1", event).await,
            Act::Call(method, path, body) => {
                let (status, answer) = world.call(method, path, Some(body.clone())).await;
                assert_eq!(status, 202, "{answer}");
                answer["id"].as_str().unwrap().to_owned()
            }
        };
        let status = world.ended(&id).await.status;
        seen.push((status, world.sim.handle.calls_of(interface).len()));
    }
    [seen[0], seen[1]]
}

fn with(settings: Settings) -> SimConfig {
    populated(Quirks::default(), settings)
}

fn columns(customers: &[&str]) -> Settings {
    let mut settings = Settings::default();
    settings.columns.customers = customers.iter().map(|id| (*id).to_owned()).collect();
    settings
}

const DONE: Status = Status::Succeeded;

#[tokio::test]
async fn where_a_customer_stands_in_one_of_three_lists_the_first_that_has_it_is_enough() {
    let take_back = Act::Call("POST", "/v1/contacts/c1/takeback", json!({}));
    let apart = without_and_with(|| with(Settings::default()), &take_back, "customer.list").await;
    assert_eq!(apart, [(DONE, 3), (DONE, 1)]);
    let ignored = || with(Settings { ignores_stype: true, ..Settings::default() });
    let together = without_and_with(ignored, &take_back, "customer.list").await;
    assert_eq!(together, [(DONE, 6), (DONE, 0)], "lists that tell nothing are not asked");
}

#[tokio::test]
async fn a_salesperson_whom_the_list_does_not_show_is_not_looked_for() {
    let assign = Act::Call("PUT", "/v1/contacts/c1/assignment", json!({ "mode": "public" }));
    let shown = without_and_with(|| with(Settings::default()), &assign, "customer.list").await;
    assert_eq!(shown, [(DONE, 1), (DONE, 1)]);
    let hidden = without_and_with(|| with(columns(&["ord", "name", "khid", "mobile"])), &assign, "customer.list").await;
    assert_eq!(hidden, [(DONE, 1), (DONE, 0)]);
}

#[tokio::test]
async fn where_nothing_shows_a_record_nothing_is_asked_for_it() {
    let closed = || with(Settings { replylist: ReplyList::NotFound, ..Settings::default() });
    let chat = Act::Event(message("c1", 1, "好的"));
    let [without, with] = without_and_with(closed, &chat, "customer.list").await;
    assert!(without.1 > 0, "{without:?}");
    assert_eq!((without.0, with), (DONE, (DONE, 0)), "neither whether others answer, nor the latest record");
}

#[tokio::test]
async fn a_sorted_list_is_believed_to_be_sorted() {
    let others = || {
        let settings = Settings { page_cap: Some(10), ..Settings::default() };
        SimConfig { population: Population { customers: 0, ..Population::default() }, settings, ..SimConfig::default() }
    };
    let mut calls = Vec::new();
    for is_surveyed in [false, true] {
        let mut world = World::with(WorldOptions { sim: others(), ..WorldOptions::default() }).await;
        for number in 10..40 {
            let khid = format!("WXc1{number}");
            world.sim.handle.seed_customer_fields(&[("name", "某某"), ("khid", &khid)]).unwrap();
        }
        if is_surveyed {
            survey_erp(&world.config, Duration::ZERO, false).await.unwrap();
        }
        world.restart().await;
        world.sim.handle.clear_calls();
        assert_eq!(world.handle("p1", &promoted(&contact("c1", 1), 80.0)).await.status, DONE);
        calls.push(world.sim.handle.calls_of("customer.list").len());
    }
    assert_eq!(calls[0], calls[1] + 1, "the other end of the list need not be seen");
}

#[tokio::test]
async fn details_that_mask_numbers_too_are_not_read_for_them() {
    let masked = || SimConfig {
        quirks: Quirks::only([Quirk::MaskedLists, Quirk::MaskedDetails, Quirk::NoFirstContact]),
        ..with(Settings::default())
    };
    let mut details = Vec::new();
    for is_surveyed in [false, true] {
        let mut world = World::with(WorldOptions { sim: masked(), ..WorldOptions::default() }).await;
        world.sim.handle.seed_customer_fields(&[("name", "某某"), ("mobile", "13800000077")]).unwrap();
        if is_surveyed {
            survey_erp(&world.config, Duration::ZERO, false).await.unwrap();
        }
        world.restart().await;
        world.sim.handle.clear_calls();
        let mut person = contact("c1", 1);
        person["phone"] = json!("13800000077");
        let event = world.handle("p1", &promoted(&person, 80.0)).await;
        details.push((event.status, event.error_code, world.sim.handle.calls_of("customer.detail").len()));
    }
    assert!(details[0].2 > 0, "{details:?}");
    assert_eq!((details[1].2, &details[1].0, &details[1].1), (0, &details[0].0, &details[0].1), "{details:?}");
}

#[tokio::test]
async fn a_list_that_can_neither_be_asked_for_a_customers_number_nor_shows_it_stops_nobody() {
    let deaf = || {
        let mut settings = columns(&["ord", "name", "mobile", "catename"]);
        settings.ignored_filters = vec!["customer.list:khid".into()];
        let population = Population { customers: 230, with_mobile: 12, ..Population::default() };
        SimConfig { population, settings, ..SimConfig::default() }
    };
    let [without, with] = without_and_with(deaf, &Act::Event(promoted(&contact("c2", 2), 80.0)), "customer.list").await;
    assert_eq!(without.0, Status::NeedsReview, "more rows than are compared");
    assert_eq!(with.0, DONE);
    // Its own number is found by its name, so that nobody becomes a customer twice.
    let mut world = World::with(WorldOptions { sim: deaf(), ..WorldOptions::default() }).await;
    survey_erp(&world.config, Duration::ZERO, false).await.unwrap();
    world.restart().await;
    let fields =
        [("name", "张3伟"), ("khid", "WXc3"), ("mobile", mobile(99).as_str())].map(|(id, val)| (id, val.to_owned()));
    let fields: Vec<(&str, &str)> = fields.iter().map(|(id, val)| (*id, val.as_str())).collect();
    let ord = world.sim.handle.seed_customer_fields(&fields).unwrap();
    world.sim.handle.seed_customer_fields(&[("name", "张3伟"), ("khid", "WXc33")]).unwrap();
    assert_eq!(world.handle("p3", &promoted(&contact("c3", 3), 80.0)).await.status, DONE);
    assert_eq!(world.ord_of("c3").await, ord);
}

/// Where customers have no contact persons of their own, nothing but the list itself shows a number in 客户池.
#[tokio::test]
async fn a_number_in_the_pool_is_found_where_a_survey_saw_no_contact_persons() {
    let bare = || {
        let settings = Settings { duplicate_rules: Vec::new(), ..Settings::default() };
        populated(Quirks::default().and([Quirk::NoFirstContact]), settings)
    };
    let mut world = World::with(WorldOptions { sim: bare(), ..WorldOptions::default() }).await;
    survey_erp(&world.config, Duration::ZERO, false).await.unwrap();
    world.restart().await;
    let pooled = json!({ "customers": [{ "name": "展会客户", "khid": "K9", "mobile": mobile(77), "stype": 1 }] });
    let ord = world.sim.handle.seed(&serde_json::from_value(pooled).unwrap()).unwrap().customers[0];
    assert_eq!(world.handle("p1", &promoted(&contact("c1", 77), 80.0)).await.status, DONE);
    assert_eq!(world.ord_of("c1").await, ord);
}
