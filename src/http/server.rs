//! The accept loop: hyper's HTTP/1, over TLS if there is a certificate, with deadlines for headers and for reading clients, a
//! bound on open connections, a reserve for webhooks and probes, and a graceful stop.

use std::{sync::Arc, time::Duration};

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
    server::graceful::{GracefulConnection, GracefulShutdown, Watcher},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::{
    paced::Paced,
    places::{Place, Places, Signed},
    problem::Problem,
    proxies::Proxies,
    rates::Remote,
    state::HttpState,
    tls::Tls,
    webhooks,
};
use crate::{config::HEAD_BYTES, os};

/// After an accept that failed (no file descriptors are left), how long the loop rests.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// What the system buffers of a connection's output, in bytes. Without a bound it takes megabytes for whoever does not
/// read, and writes move in steps too large to tell a slow reader from one that stopped.
const SEND_BUFFER_BYTES: usize = 64 * 1_024;
/// How long the head of a request may take in the reserve.
const RESERVE_HEAD: Duration = Duration::from_secs(2);

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
    /// How many of them one address may have, a few of the reserve among them; 0 sets no limit on either.
    pub max_connections_per_address: usize,
    /// How long a stopping server waits for requests under way.
    pub shutdown_grace: Duration,
}

/// How a server serves.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// Its limits.
    pub limits: ServerLimits,
    /// The reverse proxies whose word for a client's address is believed.
    pub proxies: Proxies,
    /// The certificate, where no proxy has it.
    pub tls: Option<Tls>,
}

/// Serves until `stop`, then lets requests under way end, for `shutdown_grace` at most. Returns how many connections
/// had to be cut.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    state: HttpState,
    options: ServerOptions,
    stop: CancellationToken,
) -> usize {
    let limits = options.limits;
    let places = Places::new(limits.max_connections, limits.max_connections_per_address);
    let graceful = GracefulShutdown::new();
    let hard_stop = CancellationToken::new();
    while let Some((stream, remote, place)) = next_connection(&listener, &places, &options.proxies, &stop).await {
        let door = (router.clone(), state.clone());
        let (options, watcher) = (options.clone(), graceful.watcher());
        let (stop, cut) = (stop.clone(), hard_stop.clone());
        tokio::spawn(async move {
            let client = Client { remote, reserve: place.is_reserve(), signed: place.signed(), door, options };
            // What ends a connection early (a client gone, one that does not read) is the client's affair.
            let served = async {
                tokio::select! {
                    biased;
                    () = client.serve(stream, watcher, stop) => {}
                    () = place.is_over() => {}
                }
            };
            let _ = cut.run_until_cancelled(served).await;
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
    proxies: &Proxies,
    stop: &CancellationToken,
) -> Option<(TcpStream, Remote, Place)> {
    loop {
        match stop.run_until_cancelled(listener.accept()).await? {
            Ok((stream, address)) => {
                let free = stop.run_until_cancelled(places.free()).await??;
                let remote = Remote(address.ip());
                match places.take(free, (!proxies.contain(remote)).then_some(remote)) {
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

/// Who is at the other end of a connection, and how it is served.
struct Client {
    remote: Remote,
    reserve: bool,
    signed: Signed,
    door: (Router, HttpState),
    options: ServerOptions,
}

impl Client {
    /// Serves the connection to its end. One that has not agreed on its keys when the server stops is let go.
    async fn serve(self, stream: TcpStream, watcher: Watcher, stop: CancellationToken) {
        // Without it every small answer waits for the acknowledgement of the one before.
        let _ = stream.set_nodelay(true);
        os::set_send_buffer(&stream, SEND_BUFFER_BYTES);
        let limits = self.options.limits;
        let stream = Paced::new(stream, limits.write_timeout);
        match self.options.tls.clone() {
            None => _ = watcher.watch(self.connection(stream)).await,
            // Boxed: a plain connection should not carry the room that this one takes.
            Some(tls) => {
                let secured = Box::pin(async move {
                    let agreed = tls.accept(stream, self.head_timeout());
                    if let Some(Some(stream)) = stop.run_until_cancelled(agreed).await {
                        _ = watcher.watch(self.connection(stream)).await;
                    }
                });
                secured.await;
            }
        }
    }

    fn head_timeout(&self) -> Duration {
        let usual = self.options.limits.read_timeout;
        if self.reserve { usual.min(RESERVE_HEAD) } else { usual }
    }

    fn connection<S>(self, stream: S) -> impl GracefulConnection<Error = hyper::Error> + Send
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (head_timeout, keep_alive) = (self.head_timeout(), !self.reserve);
        let client = Arc::new(self);
        let service = service_fn(move |request: Request<Incoming>| Arc::clone(&client).answer(request));
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(head_timeout)
            .keep_alive(keep_alive)
            // In each direction: also the largest head of a request.
            .max_buf_size(HEAD_BYTES)
            .serve_connection(TokioIo::new(stream), service)
    }

    /// Answers a request, in which the client's address is noted.
    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Result<Response, std::convert::Infallible> {
        let remote = self.options.proxies.client(self.remote, request.headers());
        let (router, state) = &self.door;
        if webhooks::is_webhook(&request) {
            return Ok(webhooks::answer(state, remote, &self.signed, request).await);
        }
        if self.reserve && !ESSENTIAL.contains(&request.uri().path()) {
            return Ok(no_place());
        }
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(remote);
        router.clone().oneshot(request).await
    }
}

fn no_place() -> Response {
    let mut response = Problem::Overloaded.into_response();
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}
