//! The bridge against an installation as integrators found it: columns of its own, no 微信 among the sources, numbers as people
//! typed them, customers without any.

use erp_bridge::{
    config::Config,
    event::Status,
    simulator::{Customer, Profile, ReplyList},
    store::EventRow,
};
use serde_json::{Value, json};

use crate::support::{World, WorldOptions, contact, deal, message, promoted, users_in_turn};

/// What an operator writes for such an installation.
fn configure(config: &mut Config) {
    config.erp.values.source = "网站注册".into();
    config.erp.values.sort = "终端客户".into();
    config.erp.values.stage_after_deal = "已成交".into();
    config.assignment.rules = vec![users_in_turn(&["63", "71"])];
}

async fn world() -> World {
    let sim = Profile::load("live-32").unwrap().config().unwrap();
    World::with(WorldOptions { sim, configure: Box::new(configure), ..WorldOptions::default() }).await
}

async fn handle(world: &World, webhook_id: &str, event: &Value) -> EventRow {
    let row = world.handle(webhook_id, event).await;
    assert_eq!(row.status, Status::Succeeded, "{webhook_id}: {:?} {:?}", row.error_code, row.error);
    row
}

async fn customer_of(world: &World, contact: &str) -> Customer {
    let ord = world.ord_of(contact).await;
    world.sim.handle.customer(ord).unwrap()
}

#[tokio::test]
async fn a_promotion_messages_an_assignment_and_a_deal_run_through() {
    let world = world().await;
    handle(&world, "p1", &promoted(&contact("c1", 1), 80.0)).await;
    for number in 1..=3 {
        handle(&world, &format!("m{number}"), &message("c1", number, "想问一下交期")).await;
    }
    handle(&world, "d1", &deal(&contact("c1", 1), 80.0)).await;
    let customer = customer_of(&world, "c1").await;
    assert_eq!(world.sim.handle.customers().len(), 240);
    assert_eq!((customer.fields["ly"].as_str(), customer.fields["sort1"].as_str()), ("171", "3,10"));
    assert_eq!(world.sim.handle.catename(customer.ord).as_deref(), Some("张伟"));
    assert_eq!(world.sim.handle.progress_of(customer.ord).len(), 4);
}

#[tokio::test]
async fn customers_whose_numbers_stand_as_people_typed_them_are_found_again() {
    let world = world().await;
    let typed: Vec<Customer> = world.sim.handle.customers().into_iter().filter(has_typed_number).collect();
    assert_eq!(typed.len(), 5);
    for (at, customer) in typed.iter().enumerate() {
        let person = json!({
            "id": format!("c{at}"),
            "name": customer.fields["person_name"],
            "phone": digits(&customer.fields["mobile"]),
            "phone_verified": true,
        });
        handle(&world, &format!("p{at}"), &promoted(&person, 80.0)).await;
        assert_eq!(customer_of(&world, &format!("c{at}")).await.ord, customer.ord, "{}", customer.fields["mobile"]);
    }
    assert_eq!(world.sim.handle.customers().len(), 239, "nobody twice");
}

fn has_typed_number(customer: &Customer) -> bool {
    let mobile = customer.fields.get("mobile").map_or("", String::as_str);
    !mobile.is_empty() && (mobile.len() != 11 || mobile.bytes().any(|b| !b.is_ascii_digit()))
}

/// The eleven digits of a number, however it is written.
fn digits(mobile: &str) -> String {
    let half = |c: char| if ('０'..='９').contains(&c) { char::from_u32(u32::from(c) - 0xfee0) } else { Some(c) };
    let digits: String = mobile.chars().filter_map(half).filter(char::is_ascii_digit).collect();
    digits[digits.len() - 11..].to_owned()
}

#[tokio::test]
async fn a_closed_list_of_records_neither_doubles_nor_loses_a_message() {
    let world = world().await;
    world.sim.handle.change_settings(|settings| settings.replylist = ReplyList::NotFound);
    handle(&world, "p1", &promoted(&contact("c1", 1), 80.0)).await;
    for number in 1..=3 {
        handle(&world, &format!("m{number}"), &message("c1", number, &format!("第{number}句"))).await;
    }
    // Of a record whose answer was lost the list of customers tells: it shows the latest one of each.
    world.sim.handle.fault("progress.add:cut_after:times=1").unwrap();
    let row = handle(&world, "m4", &message("c1", 4, "第4句")).await;
    let steps = world.app.store.steps(&row.id).await.unwrap();
    let step = steps.into_iter().find(|step| step.name == "progress:1").unwrap();
    assert_eq!(step.result.unwrap_or_default()["shown_by"], "telintro");
    let ord = customer_of(&world, "c1").await.ord;
    assert_eq!(world.sim.handle.progress_of(ord).len(), 4);
}
