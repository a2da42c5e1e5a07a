//! The configuration: one struct a room, read from TOML and the environment, every limit checked before anything starts.
//!
//! [`keys`] holds one line a key: its name, its default and what it may hold. [`source`] knows where a value came from,
//! [`parse`] how it is written, [`check`] what must hold between keys. All problems are reported at once.

mod addresses;
mod api;
mod authorities;
mod check;
mod defaults;
mod erp;
mod error;
mod hooks;
mod keys;
mod load;
mod log;
mod memory;
mod parse;
mod quiet_hours;
mod setting;
mod source;
mod tables;
#[cfg(test)]
mod tests;
mod webhook_secret;
mod written;

use std::{collections::BTreeMap, time::Duration};

use jiff::tz::TimeZone;
use secrecy::SecretString;

pub(crate) use self::{
    addresses::DatabaseOptions,
    memory::{FIRST_BODY_BYTES, HEAD_BYTES, RESERVE},
};
pub use self::{
    addresses::{DatabaseUrl, ListenAddress, Network, TlsFiles},
    api::{ApiConfig, ApiToken, Scope, TokenHash},
    authorities::{Authorities, OutboundConfig},
    erp::{BaseUrl, ContentType},
    error::{ConfigError, Problem},
    hooks::{AlertTarget, AlertsConfig, DayMinute, HookUrl, TargetKind, WriteBackConfig},
    load::{DEFAULT_FILE, Place},
    log::{LogFilter, LogFormat, TelemetryConfig},
    quiet_hours::QuietHours,
    setting::{Setting, Settings},
    source::ENV_PREFIX,
    tables::is_user_id,
    webhook_secret::{WebhookSecret, webhook_mac},
    written::Written,
};
use crate::event::{EventKind, Placeholder, RuleSet};

/// Everything that `erp-bridge.toml` and `ERP_BRIDGE__…` can say.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// Where the bridge listens, and the limits of the door.
    pub server: ServerConfig,
    /// The ledger's database.
    pub database: DatabaseConfig,
    /// The webhook target.
    pub webhook: WebhookConfig,
    /// The internal REST interface.
    pub api: ApiConfig,
    /// Who may become a customer.
    pub admission: AdmissionConfig,
    /// The ERP and its account.
    pub erp: ErpConfig,
    /// How the platform's fields become the ERP's.
    pub mapping: MappingConfig,
    /// Who gets a new customer.
    pub assignment: AssignmentConfig,
    /// What is asked of a person before a new customer is made.
    pub conflicts: ConflictsConfig,
    /// What happens to messages of contacts that are not linked yet.
    pub messages: MessagesConfig,
    /// When a failed event is tried again.
    pub retry: RetryConfig,
    /// How long finished events are kept.
    pub retention: RetentionConfig,
    /// The clockwork between the ledger and the ERP.
    pub worker: WorkerConfig,
    /// How the platform is told of what happened.
    pub writeback: WriteBackConfig,
    /// How people are told of what is wrong.
    pub alerts: AlertsConfig,
    /// Whose certificates it believes where it calls others.
    pub outbound: OutboundConfig,
    /// Pages for people.
    pub console: ConsoleConfig,
    /// How the bridge logs.
    pub log: LogConfig,
    /// Where traces go.
    pub telemetry: TelemetryConfig,
    /// Which keys are written anywhere, so that a reload sees what changed.
    pub written: Written,
    /// Every key as it is in force, for people.
    pub settings: Settings,
}

/// `[server]`
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// Address and port; port 0 takes a free one and prints it.
    pub listen: ListenAddress,
    /// Where everything but the webhook target, `/livez` and `/readyz` is served, if anywhere else than at `listen`.
    pub admin_listen: Option<ListenAddress>,
    /// Largest request body in bytes; also written `256KiB`.
    pub body_limit: u64,
    /// How long a client may take to send its header, and again its body.
    pub read_timeout: Duration,
    /// How long an answer may wait for a client that does not read.
    pub write_timeout: Duration,
    /// How long a stopping server waits for requests and steps in flight.
    pub shutdown_grace: Duration,
    /// How many connections are open at most.
    pub max_connections: usize,
    /// How many of them one address may have; 0 sets no limit.
    pub max_connections_per_address: usize,
    /// What the heads and bodies of all requests may take of the memory, in bytes; also written `163MiB`. One that does not
    /// hold every connection's part counts as more.
    pub request_memory: u64,
    /// Reverse proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// PEM file of the certificate; with `tls_key` the bridge speaks TLS itself.
    pub tls_cert: String,
    /// PEM file of the certificate's private key.
    pub tls_key: String,
}

impl ServerConfig {
    /// The certificate and its key, where the bridge speaks TLS itself.
    pub fn tls(&self) -> Option<TlsFiles> {
        let is_on = !self.tls_cert.is_empty() && !self.tls_key.is_empty();
        is_on.then(|| TlsFiles { cert: (&self.tls_cert).into(), key: (&self.tls_key).into() })
    }
}

/// `[database]`
#[derive(Debug, Clone)]
pub struct DatabaseConfig {
    /// Where the ledger is.
    pub url: DatabaseUrl,
    /// Connections of the pool that reads (SQLite) or of the whole pool (PostgreSQL).
    pub max_connections: u32,
    /// How many waiting events (queued, held, in review) fill the backlog: then the door answers 503.
    pub max_backlog: u64,
    /// How much of the disk that holds a SQLite file stays free; below it the door answers 503.
    pub min_free_disk: u64,
}

/// `[webhook]`
#[derive(Debug, Clone)]
pub struct WebhookConfig {
    /// Several at once while a secret is rotated.
    pub secrets: Vec<WebhookSecret>,
    /// How far a sender's clock may be off, either way.
    pub tolerance: Duration,
    /// Requests a second from one address; 0 sets no limit.
    pub rate_limit: u32,
    /// Takes only what is written exactly as the contract says; else what has one meaning is taken, and what only describes
    /// costs no event.
    pub strict: bool,
    /// The zone of times that name none.
    pub zone: TimeZone,
    /// A sender that has been silent for longer shows in the statistics; zero turns it off.
    pub silence_after: Duration,
}

/// `[admission]`: thresholds of the rules (准入条件), and which rules each event type must pass.
#[derive(Debug, Clone)]
pub struct AdmissionConfig {
    /// The lowest score that is admitted.
    pub min_score: f64,
    /// Names that are no names: 先生, 女士, 老板, 微信用户 …
    pub placeholders: Vec<Placeholder>,
    /// Which rules an event type must pass; types that are not named keep theirs.
    pub rules: BTreeMap<EventKind, RuleSet>,
}

/// `[erp]`
#[derive(Debug, Clone)]
pub struct ErpConfig {
    /// The ERP's address; there is no default.
    pub base_url: BaseUrl,
    /// Account name.
    pub username: String,
    /// Account password.
    pub password: SecretString,
    /// `serialnum` of the login: 1 to 40 letters, digits, `_` and `-`.
    pub serial: String,
    /// What the ERP takes calls as.
    pub content_type: ContentType,
    /// `/webapi/v3/ov1/login`, or `/SYSA/mobilephone/login.asp` on older versions.
    pub login_path: String,
    /// How long one call may take.
    pub timeout: Duration,
    /// Calls under way at once at most.
    pub max_in_flight: usize,
    /// How long after a call without an answer its effect may still appear; a look-up that finds nothing is believed
    /// only after it. Zero means three times `timeout`.
    pub late_effect: Duration,
    /// How long choices (客户来源, 价值评估) and accounts read from the ERP are believed.
    pub choices_max_age: Duration,
    /// How long a session is believed to last.
    pub session_max_age: Duration,
    /// Daily maintenance windows; nothing is dispatched in them.
    pub quiet_hours: Vec<QuietHours>,
    /// Values of the fields that differ per company.
    pub values: ErpValues,
}

/// `[erp.values]`
#[derive(Debug, Clone)]
pub struct ErpValues {
    /// 客户分类 when adding: ids of a tree such as `3,7`.
    pub sort1: String,
    /// 客户分类 when editing: display text, used where the record shows none.
    pub sort: String,
    /// 跟进程度 when editing: display text, used where the record shows none.
    pub stage: String,
    /// 跟进程度 after a deal; empty leaves it alone.
    pub stage_after_deal: String,
    /// 客户来源 of customers that come from the platform: display text.
    pub source: String,
}

/// `[mapping]`
#[derive(Debug, Clone)]
pub struct MappingConfig {
    /// 客户编号 = this + contact id.
    pub khid_prefix: String,
    /// Score → 价值评估, highest `min` first.
    pub levels: Vec<Level>,
    /// How `<`, `>` and `&` of customers' texts are written.
    pub markup: Markup,
}

/// One level of 价值评估.
#[derive(Debug, Clone, PartialEq)]
pub struct Level {
    /// Lowest score of this level.
    pub min: f64,
    /// The ERP's id of it.
    pub id: i64,
    /// The ERP's display text of it.
    pub text: String,
}

/// How `<`, `>` and `&` in customers' texts are made harmless for an ASP page that may show them raw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Markup {
    /// Full-width forms ＜ ＞ ＆.
    FullWidth,
    /// As they came.
    Keep,
}

/// `[assignment]`
#[derive(Debug, Clone, Default)]
pub struct AssignmentConfig {
    /// Tried from the highest `min_score` down; empty leaves new customers to the ERP.
    pub rules: Vec<AssignmentRule>,
}

/// One rule: users in turn, or open to all.
#[derive(Debug, Clone, PartialEq)]
pub struct AssignmentRule {
    /// Lowest score that this rule takes.
    pub min_score: f64,
    /// ERP user ids, in turn.
    pub users: Vec<String>,
    /// Open to all users instead.
    pub public: bool,
}

/// `[conflicts]`
#[derive(Debug, Clone, Copy)]
pub struct ConflictsConfig {
    /// `review`: a person decides whether a customer of exactly the contact's name, without a number, is the contact;
    /// `create`: it is not.
    pub same_name: SameName,
}

/// What a customer of the same name, without a number, is to a new contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SameName {
    /// Perhaps the same person: ask.
    Review,
    /// Somebody else.
    Create,
}

/// `[messages]`
#[derive(Debug, Clone)]
pub struct MessagesConfig {
    /// `hold`: messages wait for the contact's promotion; `ignore`: they are stored as ignored.
    pub before_promotion: BeforePromotion,
    /// How long they wait.
    pub hold_for: Duration,
}

/// What happens to a message of a contact that is not linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BeforePromotion {
    /// Wait for the link.
    Hold,
    /// Store and forget.
    Ignore,
}

/// `[retry]`
#[derive(Debug, Clone)]
pub struct RetryConfig {
    /// The pause after the first, second … failed attempt; after the last one the event is dead.
    pub schedule: Vec<Duration>,
}

/// `[retention]`
#[derive(Debug, Clone)]
pub struct RetentionConfig {
    /// Age at which succeeded, ignored, not admitted and discarded events vanish, and refused requests; the payload of
    /// events goes at half of it.
    pub succeeded: Duration,
    /// Age at which entries of the audit log vanish.
    pub audit: Duration,
    /// Age at which messages to others vanish that nobody tries to deliver any more.
    pub outbox: Duration,
    /// How long a delivery stays known after its event vanished; zero keeps it for ever.
    pub webhook_ids: Duration,
}

/// `[worker]`
#[derive(Debug, Clone)]
pub struct WorkerConfig {
    /// How long a claimed contact belongs to its worker without a sign of life; must exceed four ERP timeouts.
    pub lease: Duration,
    /// How often the ledger is asked for work that no signal announced (another replica's, retries that fall due).
    pub poll: Duration,
    /// Consecutive failures of delivery that open the circuit.
    pub circuit_failures: u32,
    /// How long an open circuit waits before it tries one cheap call.
    pub circuit_pause: Duration,
    /// How long what is wrong with the installation rests before one event tries it; twice as long after each try …
    pub block_pause: Duration,
    /// … and so long at most.
    pub block_pause_max: Duration,
    /// Runs of an event in a row during which the process ended; after so many the event is dead.
    pub cut_short_runs: u32,
}

impl WorkerConfig {
    /// How long what is wrong with the installation rests after so many tries.
    pub fn block_pause_after(&self, tries: i64) -> Duration {
        let doubled = u32::try_from(tries.clamp(0, 20)).unwrap_or_default();
        self.block_pause.saturating_mul(1 << doubled).min(self.block_pause_max)
    }
}

/// `[console]`
#[derive(Debug, Clone)]
pub struct ConsoleConfig {
    /// Whether `/console` is served.
    pub enabled: bool,
    /// The address under which people reach the bridge, for links in alerts.
    pub public_url: Option<BaseUrl>,
}

/// `[log]`
#[derive(Debug, Clone)]
pub struct LogConfig {
    /// What is logged.
    pub filter: LogFilter,
    /// How it is written.
    pub format: LogFormat,
}
