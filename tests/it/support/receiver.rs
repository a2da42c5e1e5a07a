//! A real HTTP receiver on a free port, as the platform or a robot is one: it notes what comes, and answers as it is told.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinHandle};

/// A request that came.
#[derive(Debug, Clone)]
pub struct Received {
    pub uri: Uri,
    pub headers: HeaderMap,
    pub bytes: Bytes,
    pub body: Value,
}

type Judge = Arc<dyn Fn(&Received) -> (u16, String) + Send + Sync>;

#[derive(Clone)]
struct Desk {
    received: Arc<Mutex<Vec<Received>>>,
    next: Arc<Mutex<VecDeque<(u16, String)>>>,
    judge: Judge,
    pause: Arc<Mutex<Duration>>,
    /// Whether what came is kept.
    keeps: bool,
}

/// A receiver; dropping it closes its port.
pub struct Receiver {
    pub url: String,
    desk: Desk,
    served: JoinHandle<()>,
}

impl Receiver {
    /// One that takes everything.
    pub async fn start() -> Self {
        Self::judging(|_| (200, "{}".to_owned())).await
    }

    /// One that answers so, unless it was told what to answer next.
    pub async fn judging(judge: impl Fn(&Received) -> (u16, String) + Send + Sync + 'static) -> Self {
        Self::of(Arc::new(judge), Duration::ZERO, true).await
    }

    /// One that takes everything, hands it on, and forgets it: a long day's messages would fill the memory.
    pub async fn handing_on(take: impl Fn(&Received) + Send + Sync + 'static) -> Self {
        let take = move |received: &Received| {
            take(received);
            (200, "{}".to_owned())
        };
        Self::of(Arc::new(take), Duration::ZERO, false).await
    }

    /// One that takes everything, and says so only after this time.
    pub async fn slow(pause: Duration) -> Self {
        Self::of(Arc::new(|_| (200, "{}".to_owned())), pause, true).await
    }

    async fn of(judge: Judge, pause: Duration, keeps: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook?key=geheimer-schluessel", listener.local_addr().unwrap());
        let pause = Arc::new(Mutex::new(pause));
        let desk = Desk { received: Arc::default(), next: Arc::default(), judge, pause, keeps };
        let router = Router::new().fallback(take).with_state(desk.clone());
        let served = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, desk, served }
    }

    /// Answers what comes from now on after this time.
    pub fn answer_after(&self, pause: Duration) {
        *self.desk.pause.lock().unwrap() = pause;
    }

    /// Answers the next requests with these states.
    pub fn answer_next(&self, states: &[u16]) {
        self.desk.next.lock().unwrap().extend(states.iter().map(|state| (*state, "{}".to_owned())));
    }

    pub fn received(&self) -> Vec<Received> {
        self.desk.received.lock().unwrap().clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.served.abort();
    }
}

async fn take(State(desk): State<Desk>, uri: Uri, headers: HeaderMap, bytes: Bytes) -> Response {
    let body = serde_json::from_slice(&bytes).unwrap_or_default();
    let received = Received { uri, headers, bytes, body };
    let next = desk.next.lock().unwrap().pop_front();
    let (status, text) = next.unwrap_or_else(|| (desk.judge)(&received));
    let pause = *desk.pause.lock().unwrap();
    if desk.keeps {
        desk.received.lock().unwrap().push(received);
    }
    tokio::time::sleep(pause).await;
    (StatusCode::from_u16(status).unwrap(), text).into_response()
}
