//! What an event costs the ERP, counted at the ERP: an old ASP application takes a few calls, not dozens.

use std::time::Duration;

use crate::support::{World, contact, message, promoted};

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
async fn a_new_person_costs_six_calls_a_message_two_and_a_resend_none() {
    let world = World::start().await;
    // The first one pays for the login and the choices of 客户来源 and 价值评估.
    let first = world.cost(world.accept("m0", &promoted(&contact("c0", 1), 80.0))).await;
    assert_eq!(first.len(), 9, "{first:?}");

    let person = promoted(&contact("c1", 2), 80.0);
    let calls = world.cost(world.accept("m1", &person)).await;
    assert!(calls.len() <= 6, "{calls:?}");
    assert_eq!(world.sim.handle.customers_with("khid", "WXc1").len(), 1);

    let said = message("c1", 1, "你好");
    assert_eq!(world.cost(world.accept("m2", &said)).await, ["progress.add", "progress.list"]);

    for (webhook_id, event) in [("m1", &person), ("m2", &said)] {
        let calls = world.cost(world.post(webhook_id, event)).await;
        assert_eq!(calls, [""; 0], "a resend of {webhook_id}");
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
    let ord = world.app.store.contact("c1").await.unwrap().unwrap().link.ord;
    assert_eq!(world.sim.handle.progress_of(ord).len(), 1 + 2 + 3 + 21);
}
