//! Letting a running bridge adopt, over its REST interface.

use std::{collections::VecDeque, path::Path, time::Duration};

use reqwest::{Response, header::RETRY_AFTER};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    apart::{Apart, Line},
    contacts::ContactsFile,
};
use crate::{
    cli::send,
    http::{ADOPT_MAX, AdoptedContact, AdoptionOutcome},
    json,
    telemetry::printable::one_line,
};

/// Longer than a bridge takes for one call.
const LIMIT: Duration = Duration::from_secs(120);
/// How long it is waited where a bridge that has no time does not say how long; at least and at most where it does.
const WAIT: Duration = Duration::from_secs(5);
const WAIT_MIN: Duration = Duration::from_secs(1);
const WAIT_MAX: Duration = Duration::from_secs(60);
/// So long a bridge may have no time for one list of contacts.
const WAITED_MAX: Duration = Duration::from_secs(300);

/// A running bridge.
pub(super) struct Bridge {
    url: String,
    token: SecretString,
    client: reqwest::Client,
}

#[derive(Serialize)]
struct Order<'a> {
    contacts: &'a [&'a Value],
    apply: bool,
}

#[derive(Deserialize)]
struct Answer {
    items: Vec<AdoptedContact>,
}

/// What came of a call.
enum Answered {
    Items(Vec<AdoptedContact>),
    /// The bridge has no time just now: when to ask again, and why.
    Later(Duration, String),
    /// It did not come to an end in time.
    TooSlow,
}

impl Bridge {
    pub(super) fn new(
        url: &str,
        token: SecretString,
        ca_cert: Option<&Path>,
    ) -> Result<Self, Box<dyn std::error::Error>> {
        let url = format!("{}/v1/contacts/adopt", url.trim_end_matches('/'));
        Ok(Self { url, token, client: send::client(LIMIT, ca_cert)? })
    }

    /// Sends the contacts in lists of as many as one call takes, of half as many from where the bridge did not come to an end
    /// in time, and hands what became of each to `each`.
    pub(super) async fn adopt(
        &self,
        contacts: &ContactsFile,
        apply: bool,
        mut each: impl FnMut(AdoptedContact),
    ) -> Result<(), Box<dyn std::error::Error>> {
        let mut lines = contacts.lines()?;
        let (mut waiting, mut at_once, mut apart) = (VecDeque::<Line>::new(), ADOPT_MAX, Apart::default());
        loop {
            let missing = at_once.saturating_sub(waiting.len());
            waiting.extend(lines.by_ref().take(missing).map(|line| apart.line(line)));
            let count = waiting.len().min(at_once);
            if count == 0 {
                return Ok(());
            }
            let asked: Vec<&Value> = waiting.iter().take(count).filter_map(|line| line.contact.as_ref().ok()).collect();
            let Some(rows) = self.adopt_apart(&asked, apply, &mut apart).await? else {
                if asked.len() == 1 {
                    return Err(
                        "ERP 太慢：一个联系人也未能在时限内查完 (the ERP is too slow for a single contact)".into()
                    );
                }
                at_once = count / 2;
                eprintln!("ERP 较慢：改为每次 {at_once} 个 (the ERP is slow: {at_once} contacts a call from now on)");
                continue;
            };
            let mut rows = rows.into_iter();
            let told = waiting.drain(..count).filter_map(|Line { number, contact }| match contact {
                Ok(_) => rows.next().map(|row| AdoptedContact { line: number, ..row }),
                Err(row) => Some(*row),
            });
            told.for_each(&mut each);
        }
    }

    /// What became of these contacts; `None` where the bridge did not come to an end with them. The bridge knows nothing of
    /// the calls before, so that it is asked without writing first, and writes only what is nobody else's.
    async fn adopt_apart(
        &self,
        contacts: &[&Value],
        apply: bool,
        apart: &mut Apart,
    ) -> Result<Option<Vec<AdoptedContact>>, Box<dyn std::error::Error>> {
        let Some(rows) = self.ask(contacts, false).await? else { return Ok(None) };
        let mut rows: Vec<_> = rows.into_iter().zip(contacts).map(|(row, contact)| apart.row(row, contact)).collect();
        if apply {
            let is_free = |row: &AdoptedContact| row.outcome == AdoptionOutcome::WouldLink;
            let free: Vec<&Value> =
                contacts.iter().zip(&rows).filter(|(_, row)| is_free(row)).map(|(contact, _)| *contact).collect();
            let Some(linked) = self.ask(&free, true).await? else { return Ok(None) };
            for (row, linked) in rows.iter_mut().filter(|row| is_free(row)).zip(linked) {
                *row = linked;
            }
        }
        Ok(Some(rows))
    }

    /// What became of these contacts; `None` where the bridge did not come to an end with them. A bridge that has no time is
    /// waited for.
    async fn ask(
        &self,
        contacts: &[&Value],
        apply: bool,
    ) -> Result<Option<Vec<AdoptedContact>>, Box<dyn std::error::Error>> {
        if contacts.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let body = json!(Order { contacts, apply }).to_string();
        let mut waited = Duration::ZERO;
        loop {
            match self.call(body.clone()).await? {
                Answered::Items(items) if items.len() == contacts.len() => return Ok(Some(items)),
                Answered::Items(_) => return Err("the bridge answered for other contacts than it was asked for".into()),
                Answered::TooSlow => return Ok(None),
                Answered::Later(_, why) if waited >= WAITED_MAX => return Err(why.into()),
                Answered::Later(wait, why) => {
                    eprintln!("{why}\n{} 秒后继续 (goes on in {0} s)", wait.as_secs());
                    tokio::time::sleep(wait).await;
                    waited += wait;
                }
            }
        }
    }

    async fn call(&self, body: String) -> Result<Answered, Box<dyn std::error::Error>> {
        let (status, wait, text) = match self.post(body).await {
            Ok(answer) => answer,
            // A connection that does not come about in time says nothing of the ERP.
            Err(error) if error.is_timeout() && !error.is_connect() => return Ok(Answered::TooSlow),
            Err(error) => return Err(format!("{} cannot be reached: {error}", self.url).into()),
        };
        if status == 200 {
            let answer: Answer =
                json::read_text(&text).map_err(|_| format!("{}: this is no answer of a bridge", self.url))?;
            return Ok(Answered::Items(answer.items));
        }
        let problem = json::parse_text(&text).unwrap_or_default();
        let detail = problem["detail"].as_str().unwrap_or(&text);
        let why = format!("{}: HTTP {status}: {}", self.url, one_line(detail));
        let is_timeout = problem["type"].as_str().is_some_and(|kind| kind.ends_with(":request_timeout"));
        match status {
            // A proxy in front may have less patience than the bridge.
            _ if is_timeout || status == 504 => Ok(Answered::TooSlow),
            429 | 503 => Ok(Answered::Later(wait, why)),
            _ => Err(why.into()),
        }
    }

    /// The status of the answer, when to ask again, and its text.
    async fn post(&self, body: String) -> reqwest::Result<(u16, Duration, String)> {
        let request = self.client.post(&self.url).bearer_auth(self.token.expose_secret());
        let response = request.header("content-type", "application/json").body(body).send().await?;
        Ok((response.status().as_u16(), wait_of(&response), response.text().await?))
    }
}

/// `Retry-After`, in seconds.
fn wait_of(response: &Response) -> Duration {
    let seconds = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    seconds.map_or(WAIT, Duration::from_secs).clamp(WAIT_MIN, WAIT_MAX)
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpListener, TcpSocket, TcpStream},
        time::timeout,
    };

    use super::*;
    use crate::{config::Authorities, outbound};

    /// Longer than anything takes on this machine, and much shorter than the limits.
    const SHORT: Duration = Duration::from_millis(300);

    /// A listener that takes one connection ahead, and its address.
    fn listener() -> (TcpListener, String) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        (listener, address)
    }

    fn bridge(address: &str, limit: Duration) -> Bridge {
        let client =
            outbound::client(false, &Authorities::default()).connect_timeout(SHORT).timeout(limit).build().unwrap();
        Bridge { url: format!("http://{address}/v1/contacts/adopt"), token: "token".to_owned().into(), client }
    }

    #[tokio::test]
    async fn a_host_that_takes_no_connection_cannot_be_reached_and_is_no_slow_erp() {
        let (_listener, address) = listener();
        let mut waiting = Vec::new();
        // Until the system takes none ahead any more.
        while let Ok(Ok(stream)) = timeout(SHORT, TcpStream::connect(&address)).await {
            waiting.push(stream);
        }
        let refused = bridge(&address, SHORT * 20).call("{}".to_owned()).await.err().unwrap().to_string();
        assert!(refused.contains(&address) && refused.contains("cannot be reached"), "{refused}");
    }

    #[tokio::test]
    async fn an_answer_that_does_not_come_to_its_end_is_one_that_takes_too_long() {
        let (listener, address) = listener();
        let serving = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            // An answer before the question is none.
            let mut request = [0; 4_096];
            assert!(stream.read(&mut request).await.unwrap() > 0);
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{").await.unwrap();
            std::future::pending::<()>().await;
        });
        let told = bridge(&address, SHORT * 2).call("{}".to_owned()).await.map_err(|error| error.to_string());
        assert!(matches!(told, Ok(Answered::TooSlow)), "{:?}", told.err());
        serving.abort();
    }
}
