//! Two replicas behind one name: what comes goes to the one and the other in turn, each request by itself.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use tokio::{net::TcpListener, task::JoinHandle};

#[derive(Clone)]
struct Replicas {
    addresses: [SocketAddr; 2],
    asked: Arc<AtomicUsize>,
    http: reqwest::Client,
}

/// What stands before the replicas; dropping it closes its port.
pub struct Balancer {
    pub address: SocketAddr,
    served: JoinHandle<()>,
}

impl Balancer {
    pub async fn before(addresses: [SocketAddr; 2]) -> Self {
        // Another test of this process may have installed it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let plain = reqwest::Client::builder().no_proxy().tls_certs_only([]).pool_max_idle_per_host(0);
        let http = plain.redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let replicas = Replicas { addresses, asked: Arc::default(), http };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let routes = Router::new().fallback(hand_on).with_state(replicas);
        let served = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { address, served }
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.served.abort();
    }
}

async fn hand_on(State(replicas): State<Replicas>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let replica = replicas.addresses[replicas.asked.fetch_add(1, Ordering::Relaxed) % 2];
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let url = format!("http://{replica}{}", parts.uri);
    let mut asked = replicas.http.request(parts.method, url).headers(handed_on(parts.headers));
    if !body.is_empty() {
        asked = asked.body(body);
    }
    let Ok(answer) = asked.send().await else { return StatusCode::BAD_GATEWAY.into_response() };
    let (status, headers) = (answer.status(), handed_on(answer.headers().clone()));
    (status, headers, Body::from_stream(answer.bytes_stream())).into_response()
}

/// Without what belongs to one connection.
fn handed_on(mut headers: HeaderMap) -> HeaderMap {
    for name in [header::CONNECTION, header::TRANSFER_ENCODING, header::CONTENT_LENGTH] {
        headers.remove(name);
    }
    headers
}
