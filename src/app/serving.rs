//! Where the bridge listens, and what it serves there.

use std::{net::SocketAddr, sync::Arc};

use axum::Router;
use tokio::net::TcpListener;

use super::{
    Adopter, App, StartError,
    check::LiveChecker,
    facts::{LiveFacts, metrics_text},
    preview::LivePreview,
    reading,
};
use crate::{
    clock::Clock,
    config::{Config, ListenAddress, ServerConfig},
    console,
    http::{
        self, HttpParts, HttpState,
        proxies::Proxies,
        rates::RateLimits,
        server::{ServerLimits, ServerOptions, serve},
        tls::Tls,
    },
    telemetry::metrics::Metrics,
};

/// Where it listens: for everybody, and for everything but webhooks and probes if that has an address of its own.
pub(super) struct Listeners {
    public: (TcpListener, SocketAddr),
    admin: Option<(TcpListener, SocketAddr)>,
}

impl Listeners {
    /// Listens where the configuration says.
    pub(super) async fn open(config: &Config) -> Result<Self, StartError> {
        let public = listen("server.listen", &config.server.listen).await?;
        let admin = match &config.server.admin_listen {
            Some(address) => Some(listen("server.admin_listen", address).await?),
            None => None,
        };
        Ok(Self { public, admin })
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.public.1
    }

    pub(super) fn admin_address(&self) -> Option<SocketAddr> {
        self.admin.as_ref().map(|(_, address)| *address)
    }

    /// Which of them serves what, over how many connections, and over how many of one address.
    fn served(
        self,
        config: &ServerConfig,
        state: &HttpState,
        console: Router<HttpState>,
    ) -> Vec<(TcpListener, Router, [usize; 2])> {
        let many = [config.max_connections, config.max_connections_per_address];
        let everything = http::router(state.clone(), console);
        let (public, _) = self.public;
        match self.admin {
            None => vec![(public, everything, many)],
            Some((admin, _)) => {
                let public = (public, http::public_router(state.clone()), many);
                let few = [config.admin_connections(), config.admin_connections_per_address()];
                vec![public, (admin, everything, few)]
            }
        }
    }
}

async fn listen(key: &'static str, address: &ListenAddress) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |error| StartError::Listen { key, address: address.to_string(), error };
    let listener = TcpListener::bind(address.host_and_port()).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

impl App {
    /// Takes events and answers people and programs.
    pub(super) fn serve(&self, config: &Config, clock: &Clock, metrics: &Metrics, listeners: Listeners) {
        let state = self.http_state(config, clock, metrics);
        let console = if config.console.enabled { console::routes() } else { Router::new() };
        for (listener, router, connections) in listeners.served(&config.server, &state, console) {
            let options = server_options(config, connections, self.tls.clone());
            let server = serve(listener, router, state.clone(), options, self.stop.clone());
            self.tasks.spawn("the server", async move { _ = server.await });
        }
    }

    fn http_state(&self, config: &Config, clock: &Clock, metrics: &Metrics) -> HttpState {
        let (dispatcher, replicas) = (self.dispatcher.clone(), self.replicas.clone());
        let facts = Arc::new(LiveFacts { dispatcher, erp: self.erp.clone(), replicas });
        let (store, engine) = (self.store.clone(), self.engine.clone());
        HttpState::new(HttpParts {
            store: store.clone(),
            clock: clock.clone(),
            rules: self.rules.subscribe(),
            messages: config.messages.clone(),
            keys: self.keys.clone(),
            body_limit: config.server.body_limit,
            long_bodies_memory: config.server.long_bodies_memory(),
            read_timeout: config.server.read_timeout,
            tolerance: config.webhook.tolerance,
            reading: reading(config),
            silence_after: config.webhook.silence_after,
            limits: RateLimits::new(
                config.webhook.rate_limit,
                config.api.rate_limit,
                config.api.auth_failure_limit,
                config.api.preview_limit,
            ),
            previewer: Arc::new(LivePreview { engine: engine.clone(), store: store.clone(), clock: clock.clone() }),
            adopter: Arc::new(Adopter::new(config, store.clone(), engine, clock.clone(), adoptions(config))),
            checker: Arc::new(LiveChecker {
                config: self.configured.subscribe(),
                alerts: self.alerts.clone(),
                store: store.clone(),
                erp: self.erp.clone(),
                clock: clock.clone(),
            }),
            settings: self.settings.subscribe(),
            succeeded_kept: config.retention.succeeded,
            block_pause: config.worker.block_pause_after(0),
            dispatch: facts.clone(),
            metrics: metrics_text(metrics.clone(), facts, store),
            stop: self.stop.clone(),
            traces: self.traces.clone(),
        })
    }
}

/// Contacts that an adoption over REST looks up at once: it leaves half of the ERP's calls to the events.
const fn adoptions(config: &Config) -> usize {
    config.erp.max_in_flight / 2
}

/// What a listener holds its clients to.
fn server_options(config: &Config, [all, each]: [usize; 2], tls: Option<Tls>) -> ServerOptions {
    let limits = ServerLimits {
        read_timeout: config.server.read_timeout,
        write_timeout: config.server.write_timeout,
        max_connections: all,
        max_connections_per_address: each,
        shutdown_grace: config.server.shutdown_grace,
    };
    ServerOptions { limits, proxies: Proxies::new(&config.server.trusted_proxies), tls }
}
