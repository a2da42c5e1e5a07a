//! Letting a running bridge adopt, over its REST interface.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::contacts::ContactsFile;
use crate::{
    cli::send,
    event::FieldError,
    http::{ADOPT_MAX, AdoptedContact},
    json,
    telemetry::printable::one_line,
};

/// Longer than a bridge takes for one call.
const LIMIT: Duration = Duration::from_secs(120);

/// A running bridge.
pub(super) struct Bridge {
    url: String,
    token: SecretString,
    client: reqwest::Client,
}

#[derive(Serialize)]
struct Order<'a> {
    contacts: Vec<&'a Value>,
    apply: bool,
}

#[derive(Deserialize)]
struct Answer {
    items: Vec<AdoptedContact>,
}

impl Bridge {
    pub(super) fn new(url: &str, token: SecretString) -> Result<Self, Box<dyn std::error::Error>> {
        let url = format!("{}/v1/contacts/adopt", url.trim_end_matches('/'));
        Ok(Self { url, token, client: send::client(LIMIT)? })
    }

    /// Sends the contacts in lists of as many as one call takes, and hands what became of each to `each`.
    pub(super) async fn adopt(
        &self,
        contacts: &ContactsFile,
        apply: bool,
        mut each: impl FnMut(AdoptedContact),
    ) -> Result<(), Box<dyn std::error::Error>> {
        let mut lines = contacts.lines()?;
        loop {
            let batch: Vec<_> = lines.by_ref().take(ADOPT_MAX).collect();
            if batch.is_empty() {
                return Ok(());
            }
            let contacts: Vec<&Value> = batch.iter().filter_map(|line| line.contact.as_ref().ok()).collect();
            let items =
                if contacts.is_empty() { Vec::new() } else { self.call(&json!(Order { contacts, apply })).await? };
            let mut items = items.into_iter();
            for line in &batch {
                let row = match &line.contact {
                    Ok(_) => items.next().ok_or("the bridge answered for fewer contacts than it was asked")?,
                    Err(reason) => AdoptedContact::invalid(line.number, None, vec![FieldError::new("", reason)]),
                };
                each(AdoptedContact { line: line.number, ..row });
            }
        }
    }

    async fn call(&self, body: &Value) -> Result<Vec<AdoptedContact>, Box<dyn std::error::Error>> {
        let request = self.client.post(&self.url).bearer_auth(self.token.expose_secret());
        let request = request.header("content-type", "application/json").body(body.to_string());
        let response = request.send().await.map_err(|error| format!("{} cannot be reached: {error}", self.url))?;
        let status = response.status().as_u16();
        let text = response.text().await?;
        if status != 200 {
            let problem = json::parse_text(&text).unwrap_or_default();
            let detail = problem["detail"].as_str().unwrap_or(&text);
            return Err(format!("{}: HTTP {status}: {}", self.url, one_line(detail)).into());
        }
        let answer: Answer =
            json::read_text(&text).map_err(|_| format!("{}: this is no answer of a bridge", self.url))?;
        Ok(answer.items)
    }
}
