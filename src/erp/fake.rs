//! A hand-written HTTP server that answers whatever a test wants, also what no web framework would send: half an answer,
//! garbage, nothing. Written from `erp-wire.md`, and apart from the simulator.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

/// One request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// Path and query.
    pub(crate) path: String,
    /// Header lines, lower case.
    pub(crate) headers: String,
    pub(crate) body: Value,
}

impl Seen {
    /// The value of a field of the ASP envelope.
    pub(crate) fn field(&self, id: &str) -> Option<&str> {
        let datas = self.body["datas"].as_array()?;
        datas.iter().find(|field| field["id"] == id)?["val"].as_str()
    }

    /// The session, from the body or the header.
    pub(crate) fn session(&self) -> Option<&str> {
        let header = self.headers.lines().find_map(|line| line.strip_prefix("zbapi-token: "));
        self.body["session"].as_str().or(header)
    }

    pub(crate) fn is_login(&self) -> bool {
        self.path.ends_with("/login")
    }
}

/// What the server does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// Answers HTTP 200 with this body.
    Say(String),
    /// Answers this status with this body.
    Status(u16, String),
    /// Writes these bytes and closes the line.
    Raw(Vec<u8>),
    /// Never answers.
    Hang,
}

pub(crate) fn say(value: Value) -> Act {
    Act::Say(value.to_string())
}

/// `header.status` with a message.
pub(crate) fn status(status: i64, message: &str) -> Act {
    say(json!({"header": {"status": status, "message": message}}))
}

/// A save's answer: status 0 and words.
pub(crate) fn words(text: &str) -> Act {
    say(json!({"header": {"status": 0}, "body": {"message": {"title": "", "text": text}}}))
}

/// A good login.
pub(crate) fn session(token: &str) -> Act {
    say(json!({"header": {"status": 0, "message": "ok", "session": token, "appversion": "32.05"}}))
}

/// A list's answer.
pub(crate) fn list(cols: &[&str], rows: Value, page: Value) -> Act {
    let cols: Vec<_> = cols.iter().map(|id| json!({"id": id})).collect();
    say(json!({"header": {"status": 0}, "body": {"source": {"table": {"cols": cols, "rows": rows, "page": page}}}}))
}

type Handler = dyn Fn(&Seen) -> Act + Send + Sync;

/// The server; it stops when the test's runtime does.
pub(crate) struct Fake {
    address: SocketAddr,
    state: Arc<State>,
}

struct State {
    handler: Box<Handler>,
    seen: Mutex<Vec<Seen>>,
    busy: AtomicUsize,
    busiest: AtomicUsize,
}

impl Fake {
    /// Starts a server that does with every request what `handler` says.
    pub(crate) async fn start(handler: impl Fn(&Seen) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            handler: Box::new(handler),
            seen: Mutex::default(),
            busy: AtomicUsize::new(0),
            busiest: AtomicUsize::new(0),
        });
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Self { address, state }
    }

    /// As [`Fake::start`], with logins answered by the sessions `s1`, `s2` …; the handler sees everything else.
    pub(crate) async fn with_login(handler: impl Fn(&Seen) -> Act + Send + Sync + 'static) -> Self {
        let logins = AtomicUsize::new(0);
        Self::start(move |seen| {
            if seen.is_login() {
                session(&format!("s{}", logins.fetch_add(1, Ordering::SeqCst) + 1))
            } else {
                handler(seen)
            }
        })
        .await
    }

    pub(crate) fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All requests so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.state.seen.lock().unwrap().clone()
    }

    pub(crate) fn logins(&self) -> usize {
        self.seen().iter().filter(|seen| seen.is_login()).count()
    }

    /// Requests that were no logins.
    pub(crate) fn calls(&self) -> Vec<Seen> {
        self.seen().into_iter().filter(|seen| !seen.is_login()).collect()
    }

    /// How many requests were under way at once at most.
    pub(crate) fn busiest(&self) -> usize {
        self.state.busiest.load(Ordering::SeqCst)
    }
}

async fn serve(stream: TcpStream, state: Arc<State>) {
    let mut stream = BufReader::new(stream);
    while let Some(seen) = read(&mut stream).await {
        let busy = state.busy.fetch_add(1, Ordering::SeqCst) + 1;
        state.busiest.fetch_max(busy, Ordering::SeqCst);
        state.seen.lock().unwrap().push(seen.clone());
        let act = (state.handler)(&seen);
        // Let the others come before this one is done, so that the count above means something.
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        state.busy.fetch_sub(1, Ordering::SeqCst);
        let answer = match act {
            Act::Say(body) => response(200, &body),
            Act::Status(status, body) => response(status, &body),
            Act::Raw(bytes) => {
                let _ = stream.get_mut().write_all(&bytes).await;
                return;
            }
            Act::Hang => std::future::pending().await,
        };
        if stream.get_mut().write_all(&answer).await.is_err() {
            return;
        }
    }
}

fn response(status: u16, body: &str) -> Vec<u8> {
    let location = if status == 302 { "location: /default.asp\r\n" } else { "" };
    format!("HTTP/1.1 {status} x\r\n{location}content-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<Seen> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).await.ok()? == 0 {
            return None;
        }
    }
    let path = head.split(' ').nth(1)?.to_owned();
    let name = |line: &str| line.split_once(": ").map(|(name, value)| format!("{}: {value}", name.to_lowercase()));
    let headers = head.lines().filter_map(name).collect::<Vec<_>>().join("\n");
    let length = headers.lines().find_map(|line| line.strip_prefix("content-length: "))?.parse().ok()?;
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(Seen { path, headers, body: crate::json::parse(&body).unwrap_or_default() })
}
