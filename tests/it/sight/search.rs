//! Everything that can be asked for.

use erp_bridge::store::EventRow;
use futures::StreamExt;
use serde_json::Value;

use super::plant::Secret;
use crate::support::{READER, World};

/// What the stream tells until it ends.
pub async fn follow(url: String) -> String {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut chunks = client.get(url).bearer_auth(READER).send().await.unwrap().bytes_stream();
    let mut told = Vec::new();
    while let Some(Ok(chunk)) = chunks.next().await {
        told.extend_from_slice(&chunk);
    }
    String::from_utf8_lossy(&told).into_owned()
}

async fn get(world: &World, path: &str, token: Option<&str>) -> (u16, String) {
    let mut request = world.sender.http.get(world.url(path));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

/// Every page of a list.
async fn pages(world: &World, path: &str) -> String {
    let (mut all, mut cursor) = (String::new(), String::new());
    loop {
        let (status, page) = get(world, &format!("{path}&limit=200&cursor={cursor}"), Some(READER)).await;
        assert_eq!(status, 200, "{path}: {page}");
        let read: Value = serde_json::from_str(&page).unwrap();
        all.push_str(&page);
        match read["next_cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => return all,
        }
    }
}

/// Every page of the console, as who may only look sees it.
async fn console(world: &World, events: &[EventRow], replay: &str) -> Vec<(String, String)> {
    let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let enter = client.post(world.url("/console/sign-in")).header("origin", world.url(""));
    let form = enter.header("content-type", "application/x-www-form-urlencoded").body(format!("token={READER}"));
    let entered = form.send().await.unwrap();
    let cookie = entered.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let lists = ["overview", "todo", "todo?cause=refused", "events", "events?status=dead", "contacts", "replays"];
    let others = ["not-admitted", "not-admitted.csv", "erp", "outbox", "outbox?state=waiting", "audit", "settings"];
    let mut paths: Vec<String> = lists.into_iter().chain(others).map(str::to_owned).collect();
    paths.extend([format!("replays/{replay}"), format!("replays/{replay}/events.csv")]);
    paths.extend(events.iter().map(|event| format!("events/{}", event.id)));
    paths.extend(events.iter().filter_map(|event| Some(format!("contacts/{}", event.contact_id.as_ref()?))));
    let mut shown = Vec::with_capacity(paths.len());
    for path in paths {
        let path = format!("/console/{path}");
        let page = client.get(world.url(&path)).header("cookie", &cookie).send().await.unwrap();
        let may_be_missing = path.starts_with("/console/contacts/");
        assert!(page.status() == 200 || may_be_missing, "{path}: {}", page.status());
        shown.push((path, page.text().await.unwrap()));
    }
    shown
}

/// Every documented `GET`, with every id and every filter: its address and what it shows. What is looked for by a secret
/// must not be found.
pub async fn everything(world: &World, secrets: &[Secret]) -> Vec<(String, String)> {
    let document: Value = yaml_serde::from_str(&erp_bridge::http::document()).unwrap();
    let events = world.events().await;
    let wanted = serde_json::json!({ "code": "refused", "reason": "再试一次" });
    let (status, replay) = world.call("POST", "/v1/replays", Some(wanted)).await;
    assert!(status == 201 && replay["events"].as_i64() > Some(0), "{replay}");
    for secret in secrets {
        let searched = serde_json::json!({ "status": "dead", "q": secret.text, "reason": "再试一次" });
        let (status, replay) = world.call("POST", "/v1/replays", Some(searched)).await;
        assert!([201, 422].contains(&status), "{replay}");
    }
    let replay = replay["id"].as_str().unwrap();
    let mut shown = console(world, &events, replay).await;
    for (path, item) in document["paths"].as_object().unwrap() {
        let Some(operation) = item.get("get") else { continue };
        let token = operation.get("security").map(|_| READER);
        let ids: Vec<&str> = match path.as_str() {
            "/v1/stream" => continue,
            "/v1/events/{id}" => events.iter().map(|event| event.id.as_str()).collect(),
            "/v1/contacts/{contact_id}" => events.iter().filter_map(|event| event.contact_id.as_deref()).collect(),
            "/v1/replays/{id}" | "/v1/replays/{id}/events" => vec![replay],
            _ => vec![""],
        };
        for id in ids {
            let path = path.replace("{id}", id).replace("{contact_id}", id);
            let (status, text) = get(world, &path, token).await;
            let may_be_missing = path.starts_with("/v1/contacts/");
            assert!(status == 200 || (status == 404 && may_be_missing), "{path}: {status} {text}");
            shown.push((path, text));
        }
    }
    for path in ["/openapi.yaml", "/docs/"] {
        shown.push((path.to_owned(), get(world, path, None).await.1));
    }
    for path in
        ["/v1/events?", "/v1/rejections?", "/v1/audit?", "/v1/contacts?", "/v1/outbox?", "/v1/outbox?state=waiting&"]
    {
        shown.push((path.to_owned(), pages(world, path).await));
    }
    for secret in secrets {
        for list in ["/v1/events", "/v1/contacts"] {
            let q: String = url_encoded(&secret.text);
            let found = pages(world, &format!("{list}?q={q}")).await;
            assert!(found.starts_with(r#"{"items":[],"#), "{list} finds a {}: {found}", secret.kind);
        }
    }
    shown
}

/// The operator sees every kind of secret: else the test would prove nothing.
pub async fn operator_sees(world: &World, secrets: &[Secret]) {
    let mut seen = String::new();
    for event in world.events().await {
        seen.push_str(&world.call("GET", &format!("/v1/events/{}", event.id), None).await.1.to_string());
    }
    for secret in secrets {
        assert!(secret.shows_in(&seen), "no event holds a {}", secret.kind);
    }
    let (_, refused) = world.call("GET", "/v1/rejections?limit=200", None).await;
    assert!(secrets.iter().all(|secret| secret.shows_in(&refused.to_string())), "every kind was refused: {refused}");
}

fn url_encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
