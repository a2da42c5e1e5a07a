//! The only place where things are built and joined.

mod adopt;
mod check;
mod facts;
mod notify;
mod preview;
mod replicas;
mod serving;
mod sessions;
mod survey;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    clock::Clock,
    config::{BaseUrl, Config, DatabaseConfig, Settings, Written},
    erp::{BuildError, Erp},
    event::{EventKind, Reading, Rules, Status},
    http::{
        keys::{Keyring, Keys, Tokens},
        signed_body::Secrets,
        tls::{Tls, TlsError},
    },
    lifecycle::VitalTasks,
    notify::{WriteBackSender, alerts::AlertWatch},
    store::{InstanceLock, OpenError, Store},
    sync::{Engine, Mapping, Planner},
    telemetry::{
        metrics::{self, Metrics},
        traces::Traces,
    },
    worker::{Dispatcher, Parts, Upkeep, replays},
};

use self::{
    notify::{Known, Others},
    serving::Listeners,
    sessions::LedgerSessions,
};

pub(crate) use self::adopt::person_of;
pub use self::{
    adopt::{AdoptLine, AdoptOrder, Adopter, LoneAdopter},
    check::check,
    replicas::Replicas,
    survey::{Surveyed, shown_survey, survey_erp},
};
pub use crate::worker::EVENTS_PER_CALL;

/// How long the ledger may take to close, and tasks that were cut to notice it.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(3);

/// Why the bridge could not start: a sentence for whoever starts it.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] OpenError),
    /// The ERP client.
    #[error(transparent)]
    Erp(#[from] BuildError),
    /// The certificate.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// What sends to others.
    #[error("{0}")]
    Sender(String),
    /// The listening address.
    #[error("{key}: {address} cannot be listened on: {error}")]
    Listen {
        /// The key that names it.
        key: &'static str,
        /// As configured.
        address: String,
        /// The system's words.
        error: std::io::Error,
    },
}

impl StartError {
    /// Whether it may pass without anybody's doing: a database that comes up later than the bridge, an address that is
    /// not free yet.
    pub const fn may_pass(&self) -> bool {
        match self {
            Self::Ledger(error) => error.may_pass(),
            Self::Listen { .. } => true,
            Self::Erp(_) | Self::Tls(_) | Self::Sender(_) => false,
        }
    }
}

/// A bridge at work.
pub struct App {
    /// Where it listens.
    pub address: SocketAddr,
    /// Where it serves everything but webhooks and probes, if not there.
    pub admin_address: Option<SocketAddr>,
    /// The ledger.
    pub store: Store,
    /// The clockwork.
    pub dispatcher: Arc<Dispatcher>,
    /// The ERP client, shared by all workers.
    pub erp: Erp,
    /// Tells the platform what happened, if it is to be told.
    pub write_back: Option<Arc<WriteBackSender>>,
    /// Tells people what is wrong, if somebody is to be told.
    pub alerts: Option<Arc<AlertWatch>>,
    /// What this replica knows of all.
    pub replicas: Arc<Replicas>,
    engine: Engine,
    rules: watch::Sender<Rules>,
    /// What was read last.
    configured: watch::Sender<Config>,
    /// What is in force, for people.
    settings: watch::Sender<Settings>,
    keys: Arc<Keyring>,
    tls: Option<Tls>,
    traces: Traces,
    /// What the configuration held at the start.
    written: Written,
    base_url: BaseUrl,
    instance_lock: InstanceLock,
    stop: CancellationToken,
    hard_stop: CancellationToken,
    grace: Duration,
    tasks: VitalTasks,
}

/// How a bridge ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Everything in flight came to its end.
    Cleanly,
    /// Something did not within `server.shutdown_grace`; the next start resumes it.
    Cut,
    /// This part of it crashed, and so everything was stopped; the next start resumes what was in hand.
    Crashed(&'static str),
}

/// How to start.
#[derive(Debug, Clone)]
pub struct StartOptions {
    /// The source of time.
    pub clock: Clock,
    /// Bring the ledger's schema up to date.
    pub migrate: bool,
    /// Dispatch events; tests that drive the clockwork by hand turn it off.
    pub dispatch: bool,
}

impl Default for StartOptions {
    fn default() -> Self {
        Self { clock: Clock::system(), migrate: true, dispatch: true }
    }
}

impl App {
    /// Opens the ledger, builds the parts, listens, and sets everything to work.
    pub async fn start(config: &Config, options: StartOptions) -> Result<Self, StartError> {
        let StartOptions { clock, migrate, dispatch } = options;
        // Who compares moments with other replicas goes by the clock that all of them go by: the database's.
        let clock = clock.follower();
        // Before anything that is measured.
        let metrics = Metrics::install();
        let (app, listeners) = Self::build(config, &clock, migrate).await?;
        metrics::started(env!("CARGO_PKG_VERSION"), app.store.database().to_owned(), clock.now());
        let (kinds, states) = (EventKind::ALL.map(EventKind::as_str), Status::ALL.map(Status::as_str));
        metrics::event_moves(&kinds, &states, &Status::FIRST.map(Status::as_str));
        app.serve(config, &clock, &metrics, listeners);
        app.tasks.spawn("the metrics' upkeep", metrics.keep_up(metrics::UPKEEP, app.stop.clone()));
        app.tasks.spawn("the ledger's watch", ledger_watch(app.tasks.clone(), app.store.clone(), app.stop.clone()));
        if dispatch {
            app.dispatch(config, &clock);
        }
        Ok(app)
    }

    /// Opens the ledger, builds the parts and listens; nothing is at work yet.
    async fn build(config: &Config, clock: &Clock, migrate: bool) -> Result<(Self, Listeners), StartError> {
        let keys = Arc::new(Keyring::new(keys(config)));
        let (collector, authorities) = (config.telemetry.otlp_endpoint.as_ref(), &config.outbound.authorities);
        let traces = Traces::start(collector, authorities, clock).map_err(StartError::Sender)?;
        let tls = config.server.tls().map(Tls::read).transpose()?;
        let instance_lock = InstanceLock::take(&config.database)?;
        let store = open_ledger(config, clock, migrate).await?;
        let erp = know_erp(config, clock, &store).await?;
        let engine = Engine::new(erp.clone(), planner(config));
        let dispatcher = dispatcher(config, clock, &store, &engine, &traces);
        let replicas = Arc::new(Replicas::new(&store, clock, &keys, &dispatcher, config.worker.circuit_pause));
        let known =
            Known { dispatcher: dispatcher.clone(), keys: keys.clone(), erp: erp.clone(), replicas: replicas.clone() };
        let Others { write_back, alerts } = notify::build(config, &store, clock, known)?;
        let listeners = Listeners::open(config).await?;
        let stop = CancellationToken::new();
        let app = Self {
            address: listeners.address(),
            admin_address: listeners.admin_address(),
            store,
            dispatcher,
            erp,
            write_back,
            alerts,
            replicas,
            engine,
            rules: watch::Sender::new(Rules::new(&config.admission)),
            configured: watch::Sender::new(config.clone()),
            settings: watch::Sender::new(config.settings.clone()),
            keys,
            tls,
            traces,
            written: config.written.clone(),
            base_url: config.erp.base_url.clone(),
            instance_lock,
            tasks: VitalTasks::new(stop.clone()),
            stop,
            hard_stop: CancellationToken::new(),
            grace: config.server.shutdown_grace,
        };
        Ok((app, listeners))
    }

    /// Sets to work what takes events to the ERP, keeps the ledger, and tells others.
    fn dispatch(&self, config: &Config, clock: &Clock) {
        let (tasks, stop, hard_stop) = (&self.tasks, &self.stop, &self.hard_stop);
        let dispatch = hard_stop.clone().run_until_cancelled_owned(self.dispatcher.clone().run(stop.clone()));
        tasks.spawn("the dispatcher", async move { _ = dispatch.await });
        let upkeep = upkeep(config, &self.store, clock).run(stop.clone());
        let upkeep = hard_stop.clone().run_until_cancelled_owned(upkeep);
        tasks.spawn("the ledger's upkeep", async move { _ = upkeep.await });
        tasks.spawn("the replays' feeding", replays::feed(self.store.clone(), stop.clone()));
        let others = Others { write_back: self.write_back.clone(), alerts: self.alerts.clone() };
        others.set_to_work(tasks, stop, hard_stop);
        tasks.spawn("the replicas' news", self.replicas.clone().run(stop.clone()));
    }

    /// Cancelling it stops the bridge.
    pub fn stop_token(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// `http://ADDRESS`, or `https://` where the bridge has a certificate.
    pub fn url(&self, address: SocketAddr) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{address}")
    }

    /// Reads the certificate again, if there is one.
    ///
    /// # Errors
    /// A certificate that cannot be used: the old one stays.
    pub fn renew_certificate(&self) -> Result<(), TlsError> {
        self.tls.as_ref().map_or(Ok(()), Tls::renew)
    }

    /// Takes what a running bridge can take of a newly read configuration: secrets, tokens, the ERP's account, and all that
    /// decides who becomes a customer and what is written of whom; and the ledger's newest survey. Answers the keys that are
    /// written otherwise than at the start and need a restart.
    pub fn reload(&self, config: &Config) -> Vec<&'static str> {
        self.keys.replace(keys(config));
        self.erp.change_account(&config.erp);
        self.rules.send_replace(Rules::new(&config.admission));
        self.engine.change_planner(planner(config));
        self.settings.send_modify(|settings| *settings = settings.after_reload(&config.settings));
        self.configured.send_replace(config.clone());
        // What was wrong with the installation may have been put right with it.
        self.dispatcher.try_blocks();
        let (store, erp, base_url) = (self.store.clone(), self.erp.clone(), self.base_url.clone());
        tokio::spawn(async move { survey::believe_newest_survey(&store, base_url.as_str(), &erp).await });
        config.written.that_need_a_restart(&self.written)
    }

    /// Waits until the bridge was stopped and everything in flight has ended, then closes the ledger. What does not end
    /// within the grace is cut; answers whether anything had to
    /// be, or crashed.
    pub async fn ended(&self) -> Ended {
        self.stop.cancelled().await;
        let mut ended = Ended::Cleanly;
        if tokio::time::timeout(self.grace, self.tasks.wait()).await.is_err() {
            ended = Ended::Cut;
            self.hard_stop.cancel();
        }
        let rest = async {
            self.tasks.wait().await;
            self.store.close().await;
        };
        if tokio::time::timeout(CLOSE_TIMEOUT, rest).await.is_err() {
            ended = Ended::Cut;
        }
        self.instance_lock.release();
        self.traces.stop().await;
        self.tasks.crashed().or_else(|| self.store.crashed()).map_or(ended, Ended::Crashed)
    }
}

/// The ledger, with the turns free that an earlier process had claimed.
async fn open_ledger(config: &Config, clock: &Clock, migrate: bool) -> Result<Store, StartError> {
    let store = Store::open(&config.database, clock.clone(), migrate).await?;
    let freed = store.free_turns().await.map_err(OpenError::from)?;
    if freed > 0 {
        tracing::info!(turns = freed, "turns that an earlier process had claimed are free again");
    }
    Ok(store)
}

/// The ERP client, with what the ledger knows of this ERP and of its login.
async fn know_erp(config: &Config, clock: &Clock, store: &Store) -> Result<Erp, StartError> {
    let erp =
        Erp::new(&config.erp, &config.outbound.authorities, clock.clone(), Arc::new(LedgerSessions(store.clone())))?;
    survey::believe_newest_survey(store, config.erp.base_url.as_str(), &erp).await;
    erp.recall_login().await;
    Ok(erp)
}

fn dispatcher(config: &Config, clock: &Clock, store: &Store, engine: &Engine, traces: &Traces) -> Arc<Dispatcher> {
    Dispatcher::new(Parts {
        store: store.clone(),
        engine: engine.clone(),
        clock: clock.clone(),
        worker: config.worker.clone(),
        retry: config.retry.clone(),
        messages: config.messages.clone(),
        reading: reading(config),
        max_in_flight: config.erp.max_in_flight,
        quiet_hours: config.erp.quiet_hours.clone(),
        traces: traces.clone(),
    })
}

/// Without one of the ledger's own tasks nothing would be accepted any more, or its log would grow for ever.
async fn ledger_watch(tasks: VitalTasks, store: Store, stop: CancellationToken) {
    if let Some(part) = stop.run_until_cancelled(store.crash()).await {
        tasks.crash(part);
    }
}

fn keys(config: &Config) -> Keys {
    Keys { secrets: Secrets::new(&config.webhook.secrets), tokens: Tokens::new(&config.api.tokens) }
}

fn reading(config: &Config) -> Reading {
    Reading { strict: config.webhook.strict, zone: config.webhook.zone.clone() }
}

fn planner(config: &Config) -> Planner {
    let mapping =
        Mapping { config: config.mapping.clone(), values: config.erp.values.clone(), conflicts: config.conflicts };
    Planner { mapping, rules: Rules::new(&config.admission), assignment: config.assignment.clone() }
}

fn upkeep(config: &Config, store: &Store, clock: &Clock) -> Upkeep {
    Upkeep {
        store: store.clone(),
        clock: clock.clone(),
        database: DatabaseConfig { url: config.database.url.clone(), ..config.database },
        retention: config.retention.clone(),
        told: notify::told(config),
    }
}

#[cfg(test)]
mod tests;
