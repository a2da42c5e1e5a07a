//! Correct-and-rerun (更正重跑): an event with a corrected body, or planned anew; what is in the ERP is not done twice.

use std::time::Duration;

use erp_bridge::{
    config::Config,
    event::Status,
    store::{Settlement, StepState},
};
use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::{
    front::{Front, OPERATE, promoted as posted},
    ledger,
    support::{World, WorldOptions, contact, deal, eventually, message, mobile, postgres, promoted},
};

/// A world on SQLite and one on PostgreSQL.
async fn worlds(configure: fn(&mut Config)) -> [World; 2] {
    let url = postgres::database().await;
    let on_postgres = move |config: &mut Config| {
        config.database.url = url.parse().unwrap();
        configure(config);
    };
    let world = |configure| World::with(WorldOptions { configure, ..WorldOptions::default() });
    [world(Box::new(configure)).await, world(Box::new(on_postgres)).await]
}

/// Corrects an event; answers the status and the problem's name.
async fn amend(world: &World, id: &str, data: &Value) -> (u16, String) {
    let body = json!({"data": data, "reason": "写错了"});
    let (status, answer) = world.call("POST", &format!("/v1/events/{id}/amend"), Some(body)).await;
    (status, answer["type"].as_str().unwrap_or_default().rsplit(':').next().unwrap_or_default().to_owned())
}

fn ok() -> (u16, String) {
    (200, String::new())
}

fn refused(problem: &str) -> (u16, String) {
    (409, problem.to_owned())
}

/// The texts of all records, whosever.
fn records(world: &World) -> Vec<String> {
    world.sim.handle.customers().iter().flat_map(|customer| world.sim.handle.progress_of(customer.ord)).collect()
}

#[tokio::test]
async fn a_dead_event_with_a_corrected_name_becomes_a_customer_and_what_came_stays_beside_it() {
    for world in worlds(|_| {}).await {
        world.sim.handle.fault("customer.add:refuse:text=客户名称不规范，不能保存").unwrap();
        let event = promoted(&contact("c1", 1), 80.0);
        let dead = world.handle("m1", &event).await;
        assert_eq!((dead.status, dead.error_code.as_deref()), (Status::Dead, Some("refused")));
        world.sim.handle.clear_faults();
        let mut data = event["data"].clone();
        data["contact"]["name"] = json!("张伟明");
        assert_eq!(amend(&world, &dead.id, &data).await, ok());
        let done = world.ended(&dead.id).await;
        assert_eq!(done.status, Status::Succeeded, "{:?}", done.error);
        let customers = world.sim.handle.customers();
        assert_eq!((customers.len(), customers[0].fields["name"].as_str()), (1, "张伟明"));
        assert_eq!((done.payload, done.resolution), (dead.payload, None), "what came stays to the byte");
        let (_, shown) = world.call("GET", &format!("/v1/events/{}", dead.id), None).await;
        assert_eq!(shown["payload"]["data"]["contact"]["name"], event["data"]["contact"]["name"]);
        assert_eq!(shown["amended"]["data"]["contact"]["name"], "张伟明");
        assert_eq!(shown["amended"]["timestamp"], event["timestamp"]);
        let log = world.app.store.audit_log(None, 20).await.unwrap();
        let entry = log.iter().find(|row| row.action == "event.amend").unwrap();
        assert_eq!((entry.subject.as_str(), entry.reason.as_deref()), (dead.id.as_str(), Some("写错了")));
        assert_eq!(amend(&world, &dead.id, &data).await, refused("wrong_state"), "it is in the ERP now");
        // The same delivery is known by what came, not by what was made of it.
        assert_eq!(world.post("m1", &event).await.1["status"], "duplicate");
    }
}

#[tokio::test]
async fn what_took_effect_is_not_done_twice_and_the_rest_is_planned_anew() {
    let configure = |config: &mut Config| config.erp.values.stage_after_deal = "成交客户".into();
    for world in worlds(configure).await {
        world.sim.handle.fault("progress.add:refuse:text=内容含有敏感词，不能保存").unwrap();
        let event = deal(&contact("c1", 1), 80.0);
        let dead = world.handle("m1", &event).await;
        assert_eq!((dead.status, world.sim.handle.customers().len()), (Status::Dead, 1), "{:?}", dead.error);
        world.sim.handle.clear_faults();
        let adds = world.sim.handle.calls_of("customer.add").len();
        let mut data = event["data"].clone();
        data["deal"]["title"] = json!("年度合作");
        assert_eq!(amend(&world, &dead.id, &data).await, ok());
        let done = world.ended(&dead.id).await;
        assert_eq!(done.status, Status::Succeeded, "{:?}", done.error);
        assert_eq!(world.sim.handle.calls_of("customer.add").len(), adds, "the customer is there");
        let records = records(&world);
        assert!(records.len() == 1 && records[0].contains("年度合作"), "{records:?}");
        let steps = world.app.store.steps(&dead.id).await.unwrap();
        assert!(steps.iter().all(|step| step.state == StepState::Done), "{steps:?}");
        let count = |name: &str| steps.iter().filter(|step| step.name.starts_with(name)).count();
        assert_eq!((count("save_customer"), count("link"), count("set_stage")), (1, 1, 1), "{steps:?}");
    }
}

#[tokio::test]
async fn a_correction_that_is_yet_to_be_planned_outlives_a_replay() {
    for world in worlds(|_| {}).await {
        world.sim.handle.fault("progress.add:refuse:text=内容含有敏感词，不能保存").unwrap();
        let event = deal(&contact("c1", 1), 80.0);
        let dead = world.handle("m1", &event).await;
        assert_eq!(dead.status, Status::Dead, "{:?}", dead.error);
        world.sim.handle.clear_faults();
        let (status, said) =
            world.call("POST", "/v1/dispatch/pause", Some(json!({ "scope": "all", "reason": "盘点" }))).await;
        assert_eq!(status, 200, "{said}");
        let mut data = event["data"].clone();
        data["deal"]["title"] = json!("年度合作");
        assert_eq!(amend(&world, &dead.id, &data).await, ok());
        for action in ["discard", "replay"] {
            let (status, said) = world
                .call("POST", &format!("/v1/events/{}/{action}", dead.id), Some(json!({ "reason": "盘点" })))
                .await;
            assert!(status < 300, "{action}: {said}");
        }
        assert_eq!(
            world.call("POST", "/v1/dispatch/resume", Some(json!({ "scope": "all", "reason": "盘点" }))).await.0,
            200
        );
        assert_eq!(world.ended(&dead.id).await.status, Status::Succeeded);
        let records = records(&world);
        assert!(records.len() == 1 && records[0].contains("年度合作"), "{records:?}");
    }
}

#[tokio::test]
async fn a_record_that_stands_in_the_erp_is_not_written_in_other_words() {
    let configure = |config: &mut Config| config.erp.values.stage_after_deal = "成交客户".into();
    for world in worlds(configure).await {
        world.sim.handle.fault("customer.edit:refuse:text=阶段不可用").unwrap();
        let event = deal(&contact("c1", 1), 80.0);
        let dead = world.handle("m1", &event).await;
        assert_eq!((dead.status, records(&world).len()), (Status::Dead, 1), "{:?}", dead.error);
        let mut data = event["data"].clone();
        data["deal"]["title"] = json!("年度合作");
        assert_eq!(amend(&world, &dead.id, &data).await, refused("already_recorded"));
        assert_eq!(world.event(&dead.id).await.status, Status::Dead, "nothing was changed");
        assert_eq!(world.event(&dead.id).await.amended, None);
        world.sim.handle.clear_faults();
        let mut data = event["data"].clone();
        data["contact"]["notes"] = json!("老客户");
        assert_eq!(amend(&world, &dead.id, &data).await, ok());
        assert_eq!(world.ended(&dead.id).await.status, Status::Succeeded);
        assert_eq!(records(&world).len(), 1);
    }
}

#[tokio::test]
async fn a_step_whose_outcome_is_open_is_looked_up_before_anything_is_corrected() {
    for world in worlds(|_| {}).await {
        let dead = {
            world.sim.handle.fault("customer.add:refuse:text=客户名称不规范，不能保存").unwrap();
            world.handle("m1", &promoted(&contact("c1", 1), 80.0)).await
        };
        world.sim.handle.clear_faults();
        let open = format!(
            "insert into steps (event_id, position, name, step, state) values ('{}', 99, 'progress', '{{}}', 'started')",
            dead.id
        );
        ledger::run(world.config.database.url.expose_secret(), &open).await;
        let data = promoted(&contact("c1", 1), 80.0)["data"].clone();
        assert_eq!(amend(&world, &dead.id, &data).await, refused("step_open"));
        let (status, answer) = world.call("POST", &format!("/v1/events/{}/replan", dead.id), None).await;
        assert_eq!((status, &answer["type"]), (409, &json!("urn:erp-bridge:problem:step_open")));
        assert_eq!(world.event(&dead.id).await.status, Status::Dead, "nothing was changed");
    }
}

#[tokio::test]
async fn an_event_that_needs_review_goes_on_with_a_corrected_number_and_one_that_the_rules_refuse_ends_so() {
    for world in worlds(|_| {}).await {
        let number = mobile(7);
        for khid in ["K1", "K2"] {
            let known = [("name", "老客户"), ("khid", khid), ("mobile", number.as_str())];
            world.sim.handle.seed_customer_fields(&known).unwrap();
        }
        let event = promoted(&contact("c1", 7), 80.0);
        let asked = world.handle("m1", &event).await;
        assert_eq!(asked.status, Status::NeedsReview, "{:?}", asked.error);
        let mut data = event["data"].clone();
        data["contact"]["phone"] = json!(mobile(8));
        assert_eq!(amend(&world, &asked.id, &data).await, ok());
        assert_eq!(world.ended(&asked.id).await.status, Status::Succeeded);
        assert_eq!(world.sim.handle.customers_with("mobile", &mobile(8)).len(), 1);

        let again = world.handle("m2", &promoted(&contact("c2", 7), 80.0)).await;
        assert_eq!(again.status, Status::NeedsReview);
        let mut data = promoted(&contact("c2", 7), 12.0)["data"].clone();
        data["contact"]["name"] = json!("先生");
        assert_eq!(amend(&world, &again.id, &data).await, ok());
        let ended = world.ended(&again.id).await;
        assert_eq!(ended.status, Status::NotAdmitted);
        assert_eq!(ended.admission.unwrap()["admitted"], json!(false));
    }
}

#[tokio::test]
async fn an_event_is_planned_anew_by_the_configuration_of_now() {
    for mut world in worlds(|config| config.erp.values.stage_after_deal = "不存在的阶段".into()).await {
        world.sim.handle.fault("progress.add:refuse:text=稍后再试").unwrap();
        let dead = world.handle("m1", &deal(&contact("c1", 1), 80.0)).await;
        assert_eq!(dead.status, Status::Dead, "{:?}", dead.error);
        world.sim.handle.clear_faults();
        world.config.erp.values.stage_after_deal = String::new();
        world.restart().await;
        assert_eq!(world.call("POST", &format!("/v1/events/{}/replan", dead.id), None).await.0, 200);
        let done = world.ended(&dead.id).await;
        assert_eq!((done.status, done.resolution), (Status::Succeeded, None), "{:?}", done.error);
        let names: Vec<_> = world.app.store.steps(&dead.id).await.unwrap().into_iter().map(|step| step.name).collect();
        assert!(!names.contains(&"set_stage".to_owned()) && records(&world).len() == 1, "{names:?}");
    }
}

#[tokio::test]
async fn a_message_is_corrected_and_keeps_its_place_before_the_later_ones() {
    for world in worlds(|_| {}).await {
        world.handle("m0", &promoted(&contact("c1", 1), 80.0)).await;
        world.sim.handle.fault("progress.add:refuse:text=内容含有敏感词，不能保存").unwrap();
        let event = message("c1", 1, "坏词");
        let dead = world.handle("m1", &event).await;
        assert_eq!(dead.status, Status::Dead);
        world.sim.handle.clear_faults();
        let mut data = event["data"].clone();
        data["signal"]["content"] = json!("好词");
        assert_eq!(amend(&world, &dead.id, &data).await, ok());
        assert_eq!(world.ended(&dead.id).await.status, Status::Succeeded);
        let records = records(&world);
        assert!(records.len() == 1 && records[0].ends_with("客户：好词"), "{records:?}");
    }
}

#[tokio::test]
async fn corrected_data_is_checked_as_at_the_door_and_the_contact_stays() {
    let front = Front::open().await;
    let id = front.post_event("w1", &posted("c1")).await.body["id"].as_str().unwrap().to_owned();
    front.end(Settlement::to(Status::Dead).because("refused", "不行")).await;
    let path = format!("/v1/events/{id}/amend");
    let data = |change: fn(&mut Value)| {
        let mut data = posted("c1")["data"].clone();
        change(&mut data);
        json!({"data": data, "reason": "写错了"})
    };
    for (body, status, pointer) in [
        (data(|data| data["contact"]["id"] = json!("c2")), 422, "/data/contact/id"),
        (data(|data| data["contact"]["name"] = json!("")), 422, "/data/contact/name"),
        (data(|data| data["contact"]["phone_verified"] = json!("maybe")), 422, "/data/contact/phone_verified"),
        (data(|data| data["thread"]["score"] = json!(101)), 422, "/data/thread/score"),
        (json!({"data": {}, "reason": "x"}), 422, "/data/contact"),
        (json!({"data": posted("c1")["data"], "reason": "  "}), 422, "/reason"),
        (json!({"data": posted("c1")["data"], "reason": "x".repeat(501)}), 422, "/reason"),
    ] {
        let answered = front.rest(Method::POST, &path, OPERATE, &body).await;
        assert_eq!(answered.status.as_u16(), status, "{body}: {:?}", answered.body);
        let pointers = answered.body["errors"].as_array().unwrap();
        assert!(pointers.iter().any(|error| error["pointer"].as_str().unwrap().starts_with(pointer)), "{pointers:?}");
    }
    let seen = |at: &Value| {
        let mut body = data(|_| {});
        body["updated_at"] = at.clone();
        body
    };
    let of_yesterday = json!("2020-01-01T00:00:00Z");
    for (at, status, problem) in [(json!("gestern"), 422, "invalid_body"), (of_yesterday, 409, "changed")] {
        let answered = front.rest(Method::POST, &path, OPERATE, &seen(&at)).await;
        assert_eq!((answered.status.as_u16(), answered.problem()), (status, problem), "{at}");
    }
    let event = path.trim_end_matches("/amend");
    let now = front.rest(Method::GET, event, OPERATE, &Value::Null).await.body["updated_at"].clone();
    let answered = front.rest(Method::POST, &path, OPERATE, &seen(&now)).await;
    assert_eq!((answered.status.as_u16(), &answered.body["status"]), (200, &json!("queued")));
    let again = front.rest(Method::POST, &path, OPERATE, &data(|_| {})).await;
    assert_eq!(again.problem(), "wrong_state", "somebody else was faster");
}

#[tokio::test]
async fn a_cause_of_many_dead_events_is_replayed_over_rest_paused_through_a_restart_and_gone_on_with() {
    const EVENTS: u32 = 120;
    for mut world in worlds(|_| {}).await {
        world.sim.handle.fault("customer.add:refuse:text=请填写客户来源").unwrap();
        for number in 0..EVENTS {
            world.accept(&format!("m{number}"), &promoted(&contact(&format!("c{number}"), number), 80.0)).await;
        }
        world.idle(Duration::from_secs(120)).await;
        world.sim.handle.clear_faults();
        let (status, made) = world.call("POST", "/v1/replays", Some(json!({"code": "refused"}))).await;
        assert_eq!((status, &made["forecast"]["create"]), (201, &json!(EVENTS)), "{made}");
        let path = format!("/v1/replays/{}", made["id"].as_str().unwrap());
        assert_eq!(world.call("POST", &format!("{path}/start"), None).await.0, 200);
        let standing = async |world: &World| world.call("GET", &path, None).await.1;
        eventually("some are put back", Duration::from_secs(60), async || {
            (standing(&world).await["put_back"].as_i64().unwrap() > 0).then_some(())
        })
        .await;
        let (status, paused) = world.call("POST", &format!("{path}/pause"), None).await;
        assert!(status == 200 || paused["status"] == 409, "{paused}");
        world.restart().await;
        let before = standing(&world).await;
        if before["state"] == "paused" {
            assert_eq!(world.call("POST", &format!("{path}/resume"), None).await.0, 200);
        }
        eventually("all are put back and done", Duration::from_secs(120), async || {
            let now = standing(&world).await;
            (now["state"] == "done" && now["outcomes"]["succeeded"] == json!(EVENTS)).then_some(())
        })
        .await;
        assert_eq!(world.sim.handle.customers().len(), usize::try_from(EVENTS).unwrap());
    }
}
