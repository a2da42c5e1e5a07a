//! What an event costs the ERP, counted at the ERP: an old ASP application takes a few calls, not dozens.

use std::time::Duration;

use erp_bridge::{
    config::{Config, SameName},
    simulator::{Profile, SimConfig},
};
use serde_json::{Value, json};

use crate::support::{World, WorldOptions, contact, deal, message, mobile, of_company, promoted, users_in_turn};

const LIMIT: Duration = Duration::from_secs(20);

impl World {
    /// The ERP's interfaces that `action` made the bridge call.
    async fn cost<F: Future>(&self, action: F) -> Vec<String> {
        self.sim.handle.clear_calls();
        action.await;
        self.idle(LIMIT).await;
        self.sim.handle.calls(0).into_iter().map(|call| call.interface).collect()
    }
}

#[tokio::test]
async fn a_new_person_costs_seven_calls_or_six_without_the_look_up_by_name_a_message_two_and_a_resend_none() {
    for (same_name, most, looks) in [(SameName::Review, 7, 2), (SameName::Create, 6, 0)] {
        let configure = Box::new(move |config: &mut Config| config.conflicts.same_name = same_name);
        let world = World::with(WorldOptions { configure, ..WorldOptions::default() }).await;
        // The first one pays for the login and the choices of 客户来源 and 价值评估; and where its name is looked for, a look each
        // whether anybody stands in 客户池 and 待审核, which is believed for a minute.
        let first = world.cost(world.accept("m0", &promoted(&contact("c0", 1), 80.0))).await;
        assert_eq!(first.len(), most + 3 + looks, "{first:?}");

        let person = promoted(&contact("c1", 2), 80.0);
        let calls = world.cost(world.accept("m1", &person)).await;
        assert!(calls.len() <= most, "{calls:?}");
        assert_eq!(world.sim.handle.customers_with("khid", "WXc1").len(), 1);

        let said = message("c1", 1, "你好");
        assert_eq!(world.cost(world.accept("m2", &said)).await, ["progress.add", "progress.list"]);

        for (webhook_id, event) in [("m1", &person), ("m2", &said)] {
            let calls = world.cost(world.post(webhook_id, event)).await;
            assert_eq!(calls, [""; 0], "a resend of {webhook_id}");
        }
    }
}

#[tokio::test]
async fn a_message_costs_two_calls_however_many_records_its_customer_has() {
    let world = World::start().await;
    world.accept("m0", &promoted(&contact("c1", 1), 80.0)).await;
    world.sim.handle.change_settings(|settings| settings.page_cap = Some(3));
    for number in 1..=8 {
        let said = message("c1", number, &format!("第{number}句"));
        let calls = world.cost(world.accept(&format!("m{number}"), &said)).await;
        assert!(number == 1 || calls == ["progress.add", "progress.list"], "record {number}: {calls:?}");
    }
}

#[tokio::test]
async fn one_reading_of_the_list_confirms_all_parts_of_a_long_message() {
    let world = World::start().await;
    world.cost(world.accept("m0", &promoted(&contact("c1", 1), 80.0))).await;
    for (webhook_id, length, parts) in [("m1", 900, 1), ("m2", 1_500, 2), ("m3", 2_500, 3), ("m4", 20_000, 21)] {
        let calls = world.cost(world.accept(webhook_id, &message("c1", 1, &"字".repeat(length)))).await;
        let expected = [vec!["progress.add"; parts], vec!["progress.list"]].concat();
        assert_eq!(calls, expected, "{length} characters");
    }
    let ord = world.ord_of("c1").await;
    assert_eq!(world.sim.handle.progress_of(ord).len(), 1 + 2 + 3 + 21);
}

/// A world that has paid for the login and the choices.
async fn warm(configure: impl Fn(&mut Config) + Send + 'static) -> World {
    warm_on(SimConfig::default(), configure).await
}

/// The same with this installation.
async fn warm_on(sim: SimConfig, configure: impl Fn(&mut Config) + Send + 'static) -> World {
    let options = WorldOptions { sim, configure: Box::new(configure), ..WorldOptions::default() };
    let world = World::with(options).await;
    world.cost(world.accept("warm", &promoted(&contact("warm", 90), 80.0))).await;
    world
}

#[tokio::test]
async fn the_manual_says_what_each_event_costs_the_erp() {
    let world = warm(|_| {}).await;
    let seed = |fields: &[(&str, &str)]| world.sim.handle.seed_customer_fields(fields).unwrap();
    let cost = async |id: &str, event: Value| world.cost(world.accept(id, &event)).await;
    let mut costs = vec![("message of a linked contact", cost("m1", message("warm", 1, "你好")).await)];
    costs.push(("deal of a linked contact", cost("m2", deal(&contact("warm", 90), 80.0)).await));
    costs.push(("new person", cost("m3", promoted(&contact("c3", 3), 80.0)).await));
    let company = "杭州茶叶贸易有限公司";
    costs.push(("new company", cost("m4", promoted(&of_company("c4", 4, company), 80.0)).await));
    costs.push(("further contact of a known company", cost("m5", promoted(&of_company("c5", 5, company), 80.0)).await));
    seed(&[("name", "老客户"), ("khid", "K6"), ("mobile", &mobile(6))]);
    costs.push(("person whose number the ERP has", cost("m6", promoted(&contact("c6", 6), 80.0)).await));
    let ord = seed(&[("name", "张7伟"), ("khid", "K7")]);
    let mut named = contact("c7", 7);
    named["erp"] = json!({ "ord": ord });
    costs.push((
        "person whose customer the platform names (`contact.erp.ord`)",
        cost("m7", promoted(&named, 80.0)).await,
    ));
    let twins = world.cost(async {
        let (first, second) = (promoted(&contact("c8", 8), 80.0), promoted(&contact("c9", 8), 80.0));
        tokio::join!(world.accept("m8", &first), world.accept("m9", &second));
    });
    costs.push(("two new persons with one number at once (twins), both together", twins.await));
    let create = warm(|config| config.conflicts.same_name = SameName::Create).await;
    let calls = create.cost(create.accept("m3", &promoted(&contact("c3", 3), 80.0))).await;
    costs.push(("new person, `same_name = \"create\"`", calls));
    let assigning = warm(|config| config.assignment.rules = vec![users_in_turn(&["63"])]).await;
    let calls = assigning.cost(assigning.accept("m3", &promoted(&contact("c3", 3), 80.0))).await;
    costs.push(("new person, with an assignment", calls));
    costs.extend(costs_on_live_32().await);
    let manual = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/mapping.md")).unwrap();
    let missing: Vec<_> = costs
        .iter()
        .map(|(what, calls)| (format!("| {what} | {} |", calls.len()), calls))
        .filter(|(row, _)| !manual.contains(row.as_str()))
        .collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

/// What the most frequent events cost where the list of customers shows no 客户编号, among 239 customers.
async fn costs_on_live_32() -> [(&'static str, Vec<String>); 3] {
    let world = warm_on(Profile::load("live-32").unwrap().config().unwrap(), |config| {
        config.erp.values.source = "网站注册".into();
        config.erp.values.sort = "终端客户".into();
    })
    .await;
    let known = mobile(6);
    world.sim.handle.seed_customer_fields(&[("name", "老客户"), ("khid", "K6"), ("mobile", &known)]).unwrap();
    let cost = async |id: &str, event: Value| world.cost(world.accept(id, &event)).await;
    [
        ("message of a linked contact, on `live-32`", cost("m1", message("warm", 1, "你好")).await),
        ("new person, on `live-32`", cost("m2", promoted(&contact("c3", 3), 80.0)).await),
        ("person whose number the ERP has, on `live-32`", cost("m3", promoted(&contact("c6", 6), 80.0)).await),
    ]
}
