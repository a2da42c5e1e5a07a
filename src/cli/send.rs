//! `erp-bridge send`

use std::{
    io::Read,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::Outcome;
use crate::{
    clock::Clock,
    config::{Authorities, WebhookSecret},
    http::signed_body::sign,
    json, outbound,
    telemetry::printable::one_line,
};

/// How long one delivery may take.
const LIMIT: Duration = Duration::from_secs(30);
/// How long a connection may take to come about.
const CONNECT_MAX: Duration = Duration::from_secs(10);

/// Signs event files and posts them, one after the other.
#[derive(Debug, Args)]
pub(super) struct Send {
    /// The webhook target, such as http://127.0.0.1:8080/webhooks/events; a bare address gets that path
    #[arg(long)]
    url: String,
    /// whsec_<base64>; on the command line everybody on this machine can read it in the process list: better --secret-file
    /// or the environment
    #[arg(long, env = "ERP_BRIDGE_SECRET", hide_env_values = true, required_unless_present = "secret_file")]
    secret: Option<SecretString>,
    /// A file that holds the secret and nothing else; it comes before --secret
    #[arg(long, value_name = "FILE", env = "ERP_BRIDGE_SECRET_FILE")]
    secret_file: Option<PathBuf>,
    /// A PEM file with the authority that vouches for the bridge's certificate, if it is one's own
    #[arg(long, value_name = "FILE")]
    ca_cert: Option<PathBuf>,
    /// webhook-id of the delivery; with several events `-1`, `-2` … is put behind it
    #[arg(long)]
    id: Option<String>,
    /// Unix seconds to sign with instead of the present moment
    #[arg(long)]
    timestamp: Option<i64>,
    /// How often each event is sent, with the same webhook-id
    #[arg(long, default_value_t = 1)]
    repeat: usize,
    /// Files with one event or a JSON array of events; - is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
}

impl Send {
    pub(super) async fn run(self) -> Outcome {
        let url = target(&self.url);
        // Here and not by the command line's parser, which would print what was given.
        let secret: WebhookSecret =
            self.secret()?.expose_secret().parse().map_err(|wanted| format!("the secret: {wanted}"))?;
        let client = client(LIMIT, self.ca_cert.as_deref())?;
        let mut events = Vec::new();
        for file in &self.files {
            events.extend(read(file)?.into_iter().map(|event| (file.clone(), event)));
        }
        let single = events.len() == 1;
        let mut all_taken = true;
        for (number, (file, event)) in (1..).zip(&events) {
            let id = match &self.id {
                Some(id) if single => id.clone(),
                Some(id) => format!("{id}-{number}"),
                None => format!("evt_{}", uuid::Uuid::now_v7().simple()),
            };
            for _ in 0..self.repeat.max(1) {
                let (status, answer) = self.post(&client, &secret, &url, &id, event).await?;
                all_taken &= status < 300;
                println!("{}", line(file, event, status, &answer));
            }
        }
        Ok(all_taken)
    }

    fn secret(&self) -> Result<SecretString, String> {
        match (&self.secret_file, &self.secret) {
            (Some(file), _) => {
                let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
                Ok(text.trim().to_owned().into())
            }
            (None, Some(secret)) => Ok(secret.clone()),
            (None, None) => Err("give --secret-file or --secret".to_owned()),
        }
    }

    async fn post(
        &self,
        client: &reqwest::Client,
        secret: &WebhookSecret,
        url: &str,
        id: &str,
        event: &Value,
    ) -> Result<(u16, Value), Box<dyn std::error::Error>> {
        let body = event.to_string();
        let timestamp = self.timestamp.unwrap_or_else(|| Clock::system().now().0 / 1_000);
        let signature = sign(secret, id, timestamp, body.as_bytes());
        let request = client
            .post(url)
            .header("content-type", "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signature)
            .body(body);
        let response = request.send().await.map_err(|error| format!("{} cannot be reached: {error}", shown(url)))?;
        let status = response.status().as_u16();
        let answer = response.text().await.unwrap_or_default();
        Ok((status, json::parse_text(&answer).unwrap_or(Value::String(answer))))
    }
}

/// A client that waits for an answer for `limit` at most, and believes the authorities of a file, too.
pub(super) fn client(limit: Duration, ca_cert: Option<&Path>) -> Result<reqwest::Client, Box<dyn std::error::Error>> {
    let authorities = match ca_cert {
        Some(file) => Authorities::read(file).map_err(|error| format!("--ca-cert {}: {error}", file.display()))?,
        None => Authorities::default(),
    };
    Ok(outbound::client(true, &authorities).connect_timeout(CONNECT_MAX.min(limit)).timeout(limit).build()?)
}

/// An address without the account that somebody may have put into it.
fn shown(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://***@{host}"),
        _ => url.to_owned(),
    }
}

fn target(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    if rest.trim_end_matches('/').contains('/') {
        url.to_owned()
    } else {
        format!("{}/webhooks/events", url.trim_end_matches('/'))
    }
}

fn read(file: &str) -> Result<Vec<Value>, Box<dyn std::error::Error>> {
    let mut text = String::new();
    if file == "-" {
        std::io::stdin().read_to_string(&mut text)?;
    } else {
        text = std::fs::read_to_string(Path::new(file)).map_err(|error| format!("{file}: {error}"))?;
    }
    match json::parse_text(&text).map_err(|error| format!("{file} is not JSON: {error}"))? {
        Value::Array(events) => Ok(events),
        event => Ok(vec![event]),
    }
}

/// `examples/01-person.json  contact.promoted  202 queued  0199…`
fn line(file: &str, event: &Value, status: u16, answer: &Value) -> String {
    let text = |value: &Value| one_line(value.as_str().unwrap_or_default());
    let word =
        [&answer["status"], &answer["type"]].into_iter().map(text).find(|word| !word.is_empty()).unwrap_or_default();
    let mut line = format!("{file}  {}  {status} {word}  {}", text(&event["type"]), text(&answer["id"]));
    for reason in answer["reasons"].as_array().into_iter().flatten() {
        line.push_str(&format!("\n    {}: {}", text(&reason["rule"]), text(&reason["message"])));
    }
    for error in answer["errors"].as_array().into_iter().flatten() {
        line.push_str(&format!("\n    {}: {}", text(&error["pointer"]), text(&error["message"])));
    }
    if status >= 300 && !answer["detail"].is_null() {
        line.push_str(&format!("\n    {}", text(&answer["detail"])));
    }
    line
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_bare_address_gets_the_webhook_path() {
        for (given, target_url) in [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/webhooks/events"),
            ("http://127.0.0.1:8080/", "http://127.0.0.1:8080/webhooks/events"),
            ("http://127.0.0.1:8080/webhooks/events", "http://127.0.0.1:8080/webhooks/events"),
        ] {
            assert_eq!(target(given), target_url);
        }
    }

    #[test]
    fn a_line_says_what_was_answered_and_why() {
        let answer = json!({ "id": "7", "status": "not_admitted", "reasons": [{ "rule": "score", "message": "评分 55 低于 60" }] });
        let shown = line("a.json", &json!({ "type": "contact.promoted" }), 200, &answer);
        assert_eq!(shown, "a.json  contact.promoted  200 not_admitted  7\n    score: 评分 55 低于 60");
    }

    #[test]
    fn a_terminal_gets_nothing_raw_of_what_was_answered() {
        let answer = json!({ "type": "x", "detail": "a\u{1b}[2J\nb", "errors": [{ "pointer": "/\u{7}", "message": "\u{202e}c" }] });
        let shown = line("a.json", &json!({ "type": "t\u{1b}[1m" }), 422, &answer);
        assert_eq!(shown, "a.json  t  422 x  \n    /: c\n    a b");
    }
}
