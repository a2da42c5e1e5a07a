//! Where the bridge listens, and what it serves there.

use std::net::SocketAddr;

use axum::Router;
use tokio::net::TcpListener;

use super::StartError;
use crate::{
    config::{Config, ListenAddress},
    http::{
        self, HttpState,
        proxies::Proxies,
        server::{ServerLimits, ServerOptions},
        tls::Tls,
    },
};

/// Listens where a key says.
pub(super) async fn listen(
    key: &'static str,
    address: &ListenAddress,
) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |error| StartError::Listen { key, address: address.to_string(), error };
    let listener = TcpListener::bind(address.host_and_port()).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

/// Which listener serves what.
pub(super) fn served(
    public: TcpListener,
    admin: Option<(TcpListener, SocketAddr)>,
    state: &HttpState,
    console: Router<HttpState>,
) -> Vec<(TcpListener, Router)> {
    let everything = http::router(state.clone(), console);
    match admin {
        None => vec![(public, everything)],
        Some((admin, _)) => vec![(public, http::public_router(state.clone())), (admin, everything)],
    }
}

/// What every listener holds its clients to.
pub(super) fn server_options(config: &Config, tls: Option<Tls>) -> ServerOptions {
    let limits = ServerLimits {
        read_timeout: config.server.read_timeout,
        write_timeout: config.server.write_timeout,
        max_connections: config.server.max_connections,
        max_connections_per_address: config.server.max_connections_per_address,
        shutdown_grace: config.server.shutdown_grace,
    };
    ServerOptions { limits, proxies: Proxies::new(&config.server.trusted_proxies), tls }
}
