//! The accept loop: hyper's HTTP/1 with a deadline for headers, a bound on open connections, and a graceful stop.

use std::{future::Future, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, body::Body, extract::Request};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::{rates::Remote, state::HttpState};

/// After an accept that failed (no file descriptors are left), how long the loop rests.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The limits of a server.
#[derive(Debug, Clone, Copy)]
pub struct ServerLimits {
    /// How long a client may take to send its header, and a connection may rest between requests.
    pub read_timeout: Duration,
    /// How many connections are open at most; further ones wait to be accepted.
    pub max_connections: usize,
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
    let places = Arc::new(Semaphore::new(limits.max_connections.clamp(1, Semaphore::MAX_PERMITS)));
    let graceful = GracefulShutdown::new();
    let hard_stop = CancellationToken::new();
    while let Some((stream, remote, place)) = next_connection(&listener, &places, &stop).await {
        let connection = graceful.watch(connection(stream, remote, router.clone(), limits));
        let cut = hard_stop.clone();
        tokio::spawn(async move {
            // What ends a connection early (a client gone, a header too slow) is the client's affair.
            let _ = cut.run_until_cancelled(connection).await;
            drop(place);
        });
    }
    drop(listener);
    let open = limits.max_connections.saturating_sub(places.available_permits());
    tracing::info!(connections = open, "no new connections; requests under way may end");
    let drained = async {
        graceful.shutdown().await;
        state.finished().await;
    };
    if tokio::time::timeout(limits.shutdown_grace, drained).await.is_ok() {
        return 0;
    }
    let left = limits.max_connections.saturating_sub(places.available_permits());
    hard_stop.cancel();
    tracing::warn!(connections = left, "cut what did not end in time");
    left
}

/// The next connection and its place, or `None` once the server stops.
async fn next_connection(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
    stop: &CancellationToken,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    loop {
        let place = stop.run_until_cancelled(places.clone().acquire_owned()).await?.ok()?;
        match stop.run_until_cancelled(listener.accept()).await? {
            Ok((stream, remote)) => return Some((stream, remote, place)),
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
    remote: SocketAddr,
    router: Router,
    limits: ServerLimits,
) -> impl hyper_util::server::graceful::GracefulConnection<Error = hyper::Error> + Send {
    // Without it every small answer waits for the acknowledgement of the one before.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: Request<Incoming>| answer(router.clone(), remote, request));
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.read_timeout)
        .serve_connection(TokioIo::new(stream), service)
}

fn answer(
    router: Router,
    remote: SocketAddr,
    request: Request<Incoming>,
) -> impl Future<Output = Result<axum::response::Response, std::convert::Infallible>> + Send {
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(Remote(remote.ip()));
    router.oneshot(request)
}
