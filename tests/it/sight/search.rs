//! Everything that can be asked for.

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

/// Every documented `GET`, with every id and every filter: its address and what it shows. What is looked for by a secret
/// must not be found.
pub async fn everything(world: &World, secrets: &[Secret]) -> Vec<(String, String)> {
    let document: Value = yaml_serde::from_str(&erp_bridge::http::document()).unwrap();
    let events = world.events().await;
    let mut shown = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let Some(operation) = item.get("get") else { continue };
        let token = operation.get("security").map(|_| READER);
        let ids: Vec<&str> = match path.as_str() {
            "/v1/stream" => continue,
            "/v1/events/{id}" => events.iter().map(|event| event.id.as_str()).collect(),
            "/v1/contacts/{contact_id}" => events.iter().filter_map(|event| event.contact_id.as_deref()).collect(),
            _ => vec![""],
        };
        for id in ids {
            let path = path.replace("{id}", id).replace("{contact_id}", id);
            let (status, text) = get(world, &path, token).await;
            assert!(matches!(status, 200 | 404), "{path}: {status} {text}");
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
