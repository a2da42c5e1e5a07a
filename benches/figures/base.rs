//! What the bridge is compared with: an axum server that reads the same body and answers 202 without checking or storing;
//! and a second route that verifies, parses and decides, and stores nothing.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
    serve::ListenerExt,
};
use erp_bridge::{
    clock::Clock,
    config::AdmissionConfig,
    event::{Event, Parsed, Reading, Rules, Standing},
    http::signed_body::Secrets,
};
use tokio::net::TcpListener;

use super::{Outcome, load::SECRET};

/// What verification needs.
struct Checks {
    secrets: Secrets,
    rules: Rules,
    clock: Clock,
}

/// Serves until it is killed. `POST /webhooks/events` is BASE, on the second port it verifies.
pub(crate) async fn serve() -> Outcome<()> {
    let secrets = Secrets::new(&[SECRET.parse()?]);
    let checks = Checks { secrets, rules: Rules::new(&AdmissionConfig::default()), clock: Clock::system() };
    let base = Router::new().route("/webhooks/events", post(read));
    let verifying = Router::new().route("/webhooks/events", post(verify)).with_state(Arc::new(checks));
    let listen = async || TcpListener::bind("127.0.0.1:0").await;
    let (first, second) = (listen().await?, listen().await?);
    println!("listening on http://{} http://{}", first.local_addr()?, second.local_addr()?);
    let prompt = |stream: &mut tokio::net::TcpStream| drop(stream.set_nodelay(true));
    let base = axum::serve(first.tap_io(prompt), base);
    let verifying = axum::serve(second.tap_io(prompt), verifying);
    tokio::try_join!(base.into_future(), verifying.into_future())?;
    Ok(())
}

async fn read(body: Bytes) -> StatusCode {
    if body.is_empty() { StatusCode::BAD_REQUEST } else { StatusCode::ACCEPTED }
}

async fn verify(State(checks): State<Arc<Checks>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let tolerance = Duration::from_secs(300);
    if checks.secrets.verify(&headers, &body, checks.clock.now(), tolerance).is_err() {
        return StatusCode::UNAUTHORIZED;
    }
    match Event::parse(&body, &Reading::default()) {
        Ok(Parsed::Event(event)) if checks.rules.decide(&event, &Standing::default()).admitted => StatusCode::ACCEPTED,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}
