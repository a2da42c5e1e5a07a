//! Limits on every value. Each answer says which key, what is wrong and what would be right.

use std::time::Duration;

use secrecy::ExposeSecret;

use super::Config;
use crate::event::Rules;

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);
/// Longest contact id and khid (`contract.md §1`, `erp-wire.md §3`).
const CONTACT_ID: usize = 48;
const KHID: usize = 50;

/// Collects problems.
#[derive(Default)]
struct Found(Vec<(String, String)>);

impl Found {
    fn unless(&mut self, right: bool, key: &str, message: impl Into<String>) {
        if !right {
            self.0.push((key.to_owned(), message.into()));
        }
    }

    fn range<T: PartialOrd + std::fmt::Display>(&mut self, key: &str, value: T, least: T, most: T) {
        self.unless(value >= least && value <= most, key, format!("must be {least} to {most}, not {value}"));
    }

    fn span(&mut self, key: &str, value: Duration, least: Duration, most: Duration) {
        let shown = |span| humantime::format_duration(span).to_string();
        let message = format!("must be {} to {}, not {}", shown(least), shown(most), shown(value));
        self.unless(value >= least && value <= most, key, message);
    }
}

/// Every problem of a configuration: (key, message).
pub(super) fn problems(config: &Config) -> Vec<(String, String)> {
    let mut found = Found::default();
    server(config, &mut found);
    secrets(config, &mut found);
    erp(config, &mut found);
    mapping(config, &mut found);
    clockwork(config, &mut found);
    found.0
}

fn server(config: &Config, found: &mut Found) {
    let server = &config.server;
    let listens = server.listen.parse::<std::net::SocketAddr>().is_ok() || server.listen.starts_with("localhost:");
    found.unless(listens, "server.listen", "must be ADDRESS:PORT, such as 127.0.0.1:8080");
    found.range("server.body_limit", server.body_limit, 1_024, 64 * 1024 * 1024);
    found.span("server.read_timeout", server.read_timeout, SECOND, Duration::from_secs(300));
    found.span("server.shutdown_grace", server.shutdown_grace, SECOND, Duration::from_secs(600));
    found.range("server.max_connections", server.max_connections, 1, 100_000);
    let database = &config.database;
    let url = database.url.expose_secret();
    let known = ["sqlite:", "postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme));
    found.unless(known, "database.url", "must begin with sqlite:// or postgres://");
    found.unless(
        !url.contains(":memory:"),
        "database.url",
        "a ledger in memory would lose what was acknowledged; name a file",
    );
    found.range("database.max_connections", database.max_connections, 1, 200);
    found.range("database.max_backlog", database.max_backlog, 1, 1_000_000_000);
    found.unless(["text", "json"].contains(&config.log.format.as_str()), "log.format", "must be text or json");
}

fn secrets(config: &Config, found: &mut Found) {
    let webhook = &config.webhook;
    found.unless(
        !webhook.secrets.is_empty(),
        "webhook.secrets",
        "is missing: name at least one secret, whsec_<base64>",
    );
    found.unless(webhook.secrets.len() <= 16, "webhook.secrets", "must be at most 16");
    let form = |secret: &secrecy::SecretString| {
        use base64::{Engine, engine::general_purpose::STANDARD};
        let key = secret.expose_secret().trim().strip_prefix("whsec_").and_then(|text| STANDARD.decode(text).ok());
        key.is_some_and(|key| (1..=1_024).contains(&key.len()))
    };
    for (index, secret) in webhook.secrets.iter().enumerate() {
        let message = "must be whsec_ and base64, such as whsec_ and the output of: openssl rand -base64 32";
        found.unless(form(secret), &format!("webhook.secrets.{index}"), message);
    }
    found.span("webhook.tolerance", webhook.tolerance, SECOND, DAY);
    let tokens = &config.api.tokens;
    found.unless(tokens.len() <= 1_000, "api.tokens", "must be at most 1000");
    for (index, token) in tokens.iter().enumerate() {
        let key = format!("api.tokens.{index}");
        let length = token.token.expose_secret().len();
        found.unless((8..=512).contains(&length), &key, "the token must have 8 to 512 characters");
        let name_is_right = !token.name.is_empty() && token.name.len() <= 64;
        found.unless(name_is_right, &key, "the name must have 1 to 64 characters");
        let twice = tokens[..index].iter().any(|other| other.name == token.name);
        found.unless(!twice, &key, format!("the name {:?} is used twice", token.name));
    }
}

fn erp(config: &Config, found: &mut Found) {
    let erp = &config.erp;
    let host = erp.base_url.strip_prefix("http://").or_else(|| erp.base_url.strip_prefix("https://"));
    let message = if erp.base_url.is_empty() {
        "is missing: the ERP's address, such as http://192.168.1.10:8080"
    } else {
        "must be http:// or https://, a host and perhaps a port"
    };
    let is_address = host.is_some_and(|host| !host.is_empty() && !host.contains(['?', '#', '@', ' ']));
    found.unless(is_address, "erp.base_url", message);
    found.unless(!erp.username.is_empty(), "erp.username", "is missing: the ERP account's name");
    found.unless(!erp.password.expose_secret().is_empty(), "erp.password", "is missing: the ERP account's password");
    let serial = (1..=20).contains(&erp.serial.len()) && erp.serial.chars().all(|c| c.is_ascii_alphanumeric());
    found.unless(serial, "erp.serial", "must be 1 to 20 letters or digits");
    let types = ["application/json", "application/zsml; charset=utf-8", "application/zsml"];
    found.unless(
        types.contains(&erp.content_type.as_str()),
        "erp.content_type",
        "must be application/json, or application/zsml; charset=utf-8 for older versions",
    );
    found.unless(erp.login_path.starts_with('/'), "erp.login_path", "must begin with /");
    found.span("erp.timeout", erp.timeout, Duration::from_millis(100), Duration::from_secs(300));
    found.range("erp.max_in_flight", erp.max_in_flight, 1, 64);
    found.span("erp.late_effect", erp.late_effect, Duration::ZERO, Duration::from_secs(3_600));
    found.span("erp.choices_max_age", erp.choices_max_age, SECOND, 7 * DAY);
    found.span("erp.session_max_age", erp.session_max_age, SECOND, 7 * DAY);
    if let Err(message) = crate::worker::QuietHours::parse(&erp.quiet_hours) {
        found.unless(false, "erp.quiet_hours", message);
    }
    found.unless(!erp.values.sort1.is_empty(), "erp.values.sort1", "is missing: ids of 客户分类, such as 3,7");
    found.unless(!erp.values.source.is_empty(), "erp.values.source", "is missing: a text of 客户来源, such as 微信");
}

fn mapping(config: &Config, found: &mut Found) {
    if let Err(message) = Rules::new(&config.admission) {
        found.unless(false, "admission.rules", message);
    }
    found.range("admission.min_score", config.admission.min_score, 0.0, 100.0);
    let prefix = &config.mapping.khid_prefix;
    let fits = prefix.encode_utf16().count() + CONTACT_ID <= KHID;
    found.unless(
        fits,
        "mapping.khid_prefix",
        "must have at most 2 characters: 客户编号 takes 50, a contact id up to 48",
    );
    let levels = &config.mapping.levels;
    let falls = levels.windows(2).all(|pair| pair[0].min > pair[1].min);
    found.unless(falls, "mapping.levels", "must fall from the highest min to the lowest, none twice");
    for level in levels {
        let right = (0.0..=100.0).contains(&level.min) && !level.text.is_empty() && level.id > 0;
        found.unless(right, "mapping.levels", "each level has min 0 to 100, a positive id and a text");
    }
    for rule in &config.assignment.rules {
        let key = "assignment.rules";
        found.unless((0.0..=100.0).contains(&rule.min_score), key, "min_score must be 0 to 100");
        found.unless(rule.public == rule.users.is_empty(), key, "each rule has either users or public = true");
        let digits = rule
            .users
            .iter()
            .all(|user| !user.is_empty() && user.len() <= 18 && user.bytes().all(|b| b.is_ascii_digit()));
        found.unless(digits, key, "users are the ERP's user ids, digits such as 63");
    }
}

fn clockwork(config: &Config, found: &mut Found) {
    let worker = &config.worker;
    // A step makes at most two calls and a login, each twice at worst when a session expires.
    let least = config.erp.timeout * 4 + SECOND;
    found.span("worker.lease", worker.lease, least, DAY);
    found.span("worker.poll", worker.poll, Duration::from_millis(10), Duration::from_secs(60));
    found.range("worker.circuit_failures", worker.circuit_failures, 1, 1_000);
    found.span("worker.circuit_pause", worker.circuit_pause, Duration::from_millis(10), Duration::from_secs(3_600));
    found.range("retry.schedule", config.retry.schedule.len(), 1, 50);
    for pause in &config.retry.schedule {
        found.span("retry.schedule", *pause, Duration::from_millis(1), 30 * DAY);
    }
    found.span("messages.hold_for", config.messages.hold_for, SECOND, 3_650 * DAY);
    found.span("retention.succeeded", config.retention.succeeded, SECOND, 36_500 * DAY);
}
