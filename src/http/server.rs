//! The accept loop: hyper's HTTP/1 with deadlines for headers and for reading clients, a bound on open connections, a
//! reserve for webhooks and probes, and a graceful stop.

use std::time::Duration;

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulConnection, GracefulShutdown},
};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::{
    paced::Paced,
    places::{Place, Places},
    problem::Problem,
    rates::Remote,
    state::HttpState,
    webhooks,
};

/// After an accept that failed (no file descriptors are left), how long the loop rests.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// What hyper buffers of a connection at most, in each direction: also the largest head of a request, in bytes.
pub(super) const BUFFER_BYTES: usize = 16 * 1_024;
/// What the system buffers of a connection's output, in bytes. Without a bound it takes megabytes for whoever does not
/// read, and writes move in steps too large to tell a slow reader from one that stopped.
const SEND_BUFFER_BYTES: usize = 64 * 1_024;
/// How long the head of a request may take in the reserve …
const RESERVE_HEAD: Duration = Duration::from_secs(2);
/// … and a connection of the reserve as a whole, so that it is soon free for the next.
const RESERVE_LIFE: Duration = Duration::from_secs(5);

/// What is served in the reserve: webhooks and probes.
const ESSENTIAL: [&str; 4] = ["/webhooks/events", "/webhooks/events/", "/livez", "/readyz"];

/// The limits of a server.
#[derive(Debug, Clone, Copy)]
pub struct ServerLimits {
    /// How long a client may take to send its header, and a connection may rest between requests.
    pub read_timeout: Duration,
    /// How long an answer may wait for a client that does not read.
    pub write_timeout: Duration,
    /// How many connections are open at most; beyond them a small reserve serves webhooks and probes alone.
    pub max_connections: usize,
    /// How many of them one address may have; 0 sets no limit.
    pub max_connections_per_address: usize,
    /// How long a stopping server waits for requests under way.
    pub shutdown_grace: Duration,
}

/// Serves until `stop`, then lets requests under way end, for `shutdown_grace` at most. Returns how many connections
/// had to be cut.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    state: HttpState,
    limits: ServerLimits,
    stop: CancellationToken,
) -> usize {
    let places = Places::new(limits.max_connections, limits.max_connections_per_address);
    let graceful = GracefulShutdown::new();
    let hard_stop = CancellationToken::new();
    while let Some((stream, remote, place)) = next_connection(&listener, &places, &stop).await {
        let reserve = place.is_reserve();
        let connection = graceful.watch(connection(stream, remote, (router.clone(), state.clone()), limits, reserve));
        let cut = hard_stop.clone();
        tokio::spawn(async move {
            let life = if reserve { RESERVE_LIFE } else { Duration::MAX };
            // What ends a connection early (a client gone, one that does not read) is the client's affair.
            let _ = cut.run_until_cancelled(tokio::time::timeout(life, connection)).await;
            drop(place);
        });
    }
    drop(listener);
    tracing::info!(connections = places.open(), "no new connections; requests under way may end");
    let drained = async {
        graceful.shutdown().await;
        state.finished().await;
    };
    if tokio::time::timeout(limits.shutdown_grace, drained).await.is_ok() {
        return 0;
    }
    let left = places.open();
    hard_stop.cancel();
    tracing::warn!(connections = left, "cut what did not end in time");
    left
}

/// The next connection and its place, or `None` once the server stops.
async fn next_connection(
    listener: &TcpListener,
    places: &Places,
    stop: &CancellationToken,
) -> Option<(TcpStream, Remote, Place)> {
    loop {
        let free = stop.run_until_cancelled(places.free()).await??;
        match stop.run_until_cancelled(listener.accept()).await? {
            Ok((stream, address)) => {
                let remote = Remote(address.ip());
                match places.take(free, remote) {
                    Some(place) => return Some((stream, remote, place)),
                    None => metrics::counter!("erp_bridge_connections_refused_total").increment(1),
                }
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                stop.run_until_cancelled(tokio::time::sleep(ACCEPT_PAUSE)).await?;
            }
        }
    }
}

/// One connection, with the remote address noted in every request of it.
fn connection(
    stream: TcpStream,
    remote: Remote,
    door: (Router, HttpState),
    limits: ServerLimits,
    reserve: bool,
) -> impl GracefulConnection<Error = hyper::Error> + Send {
    // Without it every small answer waits for the acknowledgement of the one before.
    let _ = stream.set_nodelay(true);
    let _ = rustix::net::sockopt::set_socket_send_buffer_size(&stream, SEND_BUFFER_BYTES);
    let service = service_fn(move |request: Request<Incoming>| answer(door.clone(), remote, request, reserve));
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(if reserve { limits.read_timeout.min(RESERVE_HEAD) } else { limits.read_timeout })
        .keep_alive(!reserve)
        .max_buf_size(BUFFER_BYTES)
        .serve_connection(TokioIo::new(Paced::new(stream, limits.write_timeout)), service)
}

async fn answer(
    (router, state): (Router, HttpState),
    remote: Remote,
    request: Request<Incoming>,
    reserve: bool,
) -> Result<Response, std::convert::Infallible> {
    if webhooks::is_webhook(&request) {
        return Ok(webhooks::answer(&state, remote, request).await);
    }
    if reserve && !ESSENTIAL.contains(&request.uri().path()) {
        return Ok(no_place());
    }
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(remote);
    router.oneshot(request).await
}

fn no_place() -> Response {
    let mut response = Problem::Overloaded.into_response();
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}
