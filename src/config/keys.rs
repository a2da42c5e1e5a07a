//! Every key on one line: its name, its default, what it may hold. A number stands on everything.

use std::{path::Path, time::Duration};

use humantime::format_duration;

use super::{
    AdmissionConfig, AlertsConfig, ApiConfig, AssignmentConfig, Authorities, BaseUrl, BeforePromotion, Config,
    ConflictsConfig, ConsoleConfig, ContentType, DatabaseConfig, ErpConfig, ErpValues, LogConfig, LogFormat,
    MappingConfig, Markup, MessagesConfig, OutboundConfig, QuietHours, RetentionConfig, RetryConfig, SameName,
    ServerConfig, Settings, TelemetryConfig, WebhookConfig, WorkerConfig, WriteBackConfig,
    authorities::CA_CERT,
    check::{is_ids, is_login_path, is_prefix, is_serial, lease_for},
    parse::{
        duration, integer, list, number, one_of, read_as, readable, secret, size, text, text_such_that, truth,
        unless_empty, zone,
    },
    source::{Raw, Reader},
    tables::{admission_rules, alert_target, assignment_rule, level, placeholder, token},
};

const MS: Duration = Duration::from_millis(1);
/// Its default grows with `erp.timeout`.
const LEASE: &str = "worker.lease";
/// Its default grows with `server.max_connections`.
const REQUEST_MEMORY: &str = "server.request_memory";
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

const SAME_NAME: &[(&str, SameName)] = &[("review", SameName::Review), ("create", SameName::Create)];

/// Reads every key; what is wrong is noted in the reader, and the default stands in.
pub(super) fn read(r: &mut Reader) -> Config {
    let mut config = one_by_one(r);
    if !r.says(LEASE) {
        config.worker.lease = config.worker.lease.max(lease_for(config.erp.timeout));
        config.settings.put(LEASE, format_duration(config.worker.lease).to_string());
    }
    let server = &mut config.server;
    let shown = server.request_memory;
    if !r.says(REQUEST_MEMORY) {
        server.request_memory = server.usual_request_memory();
    }
    let held = server.held_request_memory();
    if held != shown {
        config.settings.put(REQUEST_MEMORY, held.to_string());
    }
    config
}

fn one_by_one(r: &mut Reader) -> Config {
    Config {
        server: server(r),
        database: database(r),
        webhook: webhook(r),
        api: api(r),
        admission: admission(r),
        erp: erp(r),
        mapping: mapping(r),
        assignment: AssignmentConfig { rules: r.read("assignment.rules", Vec::new(), list(0..=50, assignment_rule)) },
        conflicts: ConflictsConfig {
            same_name: r.read("conflicts.same_name", ConflictsConfig::default().same_name, one_of(SAME_NAME)),
        },
        messages: messages(r),
        retry: RetryConfig {
            schedule: r.read(
                "retry.schedule",
                RetryConfig::default().schedule,
                list(1..=50, duration(MS * 10..=DAY * 30)),
            ),
        },
        retention: retention(r),
        worker: worker(r),
        writeback: writeback(r),
        alerts: alerts(r),
        outbound: outbound(r),
        console: ConsoleConfig {
            enabled: r.read("console.enabled", ConsoleConfig::default().enabled, truth),
            public_url: r.read("console.public_url", None, unless_empty(public_url)),
        },
        log: log(r),
        telemetry: TelemetryConfig { otlp_endpoint: r.read("telemetry.otlp_endpoint", None, unless_empty(collector)) },
        written: r.written(),
        settings: Settings::of(r),
    }
}

/// Written as the ERP's address is.
fn public_url(raw: &Raw) -> Result<BaseUrl, String> {
    let wanted = "write the address at which people reach the bridge, without /console, such as https://bridge.example";
    read_as(raw).map_err(|_| wanted.to_owned())
}

/// The same.
fn collector(raw: &Raw) -> Result<BaseUrl, String> {
    let wanted = "write the address of a collector that takes OTLP over HTTP, such as http://127.0.0.1:4318";
    read_as(raw).map_err(|_| wanted.to_owned())
}

fn outbound(r: &mut Reader) -> OutboundConfig {
    let authorities = r.read(CA_CERT, OutboundConfig::default().authorities, authorities);
    r.note_named(CA_CERT, &authorities);
    OutboundConfig { authorities }
}

/// The certificates of a file, or none where none is named.
fn authorities(raw: &Raw) -> Result<Authorities, String> {
    let file = text(0..=1_000)(raw)?;
    if file.is_empty() { Ok(Authorities::default()) } else { Authorities::read(Path::new(&file)) }
}

fn server(r: &mut Reader) -> ServerConfig {
    let d = ServerConfig::default();
    ServerConfig {
        listen: r.read("server.listen", d.listen, read_as),
        admin_listen: r.read("server.admin_listen", d.admin_listen, unless_empty(read_as)),
        body_limit: r.read("server.body_limit", d.body_limit, size(1_024..=16 * 1_024 * 1_024)),
        read_timeout: r.read("server.read_timeout", d.read_timeout, duration(MS * 100..=MINUTE * 10)),
        write_timeout: r.read("server.write_timeout", d.write_timeout, duration(MS * 100..=MINUTE * 10)),
        shutdown_grace: r.read("server.shutdown_grace", d.shutdown_grace, duration(Duration::ZERO..=MINUTE * 10)),
        max_connections: r.read("server.max_connections", d.max_connections, integer(1..=100_000)),
        max_connections_per_address: r.read(
            "server.max_connections_per_address",
            d.max_connections_per_address,
            integer(0..=100_000),
        ),
        request_memory: r.read(REQUEST_MEMORY, d.request_memory, size(1 << 20..=1 << 40)),
        trusted_proxies: r.read("server.trusted_proxies", d.trusted_proxies, list(0..=100, read_as)),
        tls_cert: r.read("server.tls_cert", d.tls_cert, text(0..=1_000)),
        tls_key: r.read("server.tls_key", d.tls_key, text(0..=1_000)),
    }
}

fn database(r: &mut Reader) -> DatabaseConfig {
    let d = DatabaseConfig::default();
    DatabaseConfig {
        url: r.secret("database.url", d.url, read_as),
        max_connections: r.read("database.max_connections", d.max_connections, integer(1..=200)),
        max_backlog: r.read("database.max_backlog", d.max_backlog, integer(1..=1_000_000_000)),
        min_free_disk: r.read("database.min_free_disk", d.min_free_disk, size(0..=1 << 40)),
    }
}

fn webhook(r: &mut Reader) -> WebhookConfig {
    let d = WebhookConfig::default();
    WebhookConfig {
        secrets: r.secret("webhook.secrets", d.secrets, list(1..=16, read_as)),
        tolerance: r.read("webhook.tolerance", d.tolerance, duration(SECOND..=DAY)),
        rate_limit: r.read("webhook.rate_limit", d.rate_limit, integer(0..=1_000_000)),
        strict: r.read("webhook.strict", d.strict, truth),
        zone: r.read("webhook.zone", d.zone, zone),
        silence_after: r.read("webhook.silence_after", d.silence_after, duration(Duration::ZERO..=DAY * 365)),
    }
}

fn api(r: &mut Reader) -> ApiConfig {
    let d = ApiConfig::default();
    ApiConfig {
        tokens: r.secret("api.tokens", d.tokens, list(0..=100, token)),
        rate_limit: r.read("api.rate_limit", d.rate_limit, integer(0..=1_000_000)),
        auth_failure_limit: r.read("api.auth_failure_limit", d.auth_failure_limit, integer(0..=1_000_000)),
        preview_limit: r.read("api.preview_limit", d.preview_limit, integer(0..=1_000_000)),
    }
}

fn admission(r: &mut Reader) -> AdmissionConfig {
    let d = AdmissionConfig::default();
    AdmissionConfig {
        min_score: r.read("admission.min_score", d.min_score, number(0.0..=100.0)),
        placeholders: r.read("admission.placeholders", d.placeholders, list(0..=1_000, placeholder)),
        rules: r.read("admission.rules", d.rules, admission_rules),
    }
}

fn erp(r: &mut Reader) -> ErpConfig {
    const CONTENT_TYPES: &[(&str, ContentType)] = &[
        ("application/json", ContentType::Json),
        ("application/zsml; charset=utf-8", ContentType::Zsml),
        ("application/zsml", ContentType::Zsml),
    ];
    let d = ErpConfig::default();
    let serial = text_such_that(is_serial, "write 1 to 40 letters, digits, _ or - in quotes");
    let login_path = text_such_that(
        is_login_path,
        "write a path such as \"/webapi/v3/ov1/login\", or \"/SYSA/mobilephone/login.asp\" on older versions",
    );
    ErpConfig {
        base_url: r.read("erp.base_url", d.base_url, read_as),
        username: r.read("erp.username", d.username, readable(100)),
        password: r.secret("erp.password", d.password, secret(1..=200)),
        serial: r.secret("erp.serial", d.serial, serial),
        content_type: r.read("erp.content_type", d.content_type, one_of(CONTENT_TYPES)),
        login_path: r.read("erp.login_path", d.login_path, login_path),
        timeout: r.read("erp.timeout", d.timeout, duration(MS * 100..=MINUTE * 5)),
        max_in_flight: r.read("erp.max_in_flight", d.max_in_flight, integer(1..=64)),
        late_effect: r.read("erp.late_effect", d.late_effect, duration(Duration::ZERO..=HOUR)),
        choices_max_age: r.read("erp.choices_max_age", d.choices_max_age, duration(SECOND..=DAY * 7)),
        session_max_age: r.read("erp.session_max_age", d.session_max_age, duration(SECOND..=DAY)),
        quiet_hours: r.read("erp.quiet_hours", d.quiet_hours, list(0..=24, read_as::<QuietHours>)),
        values: erp_values(r),
    }
}

fn erp_values(r: &mut Reader) -> ErpValues {
    let d = ErpValues::default();
    ErpValues {
        sort1: r.read("erp.values.sort1", d.sort1, text_such_that(is_ids, "write ids of the tree, such as \"3,7\"")),
        sort: r.read("erp.values.sort", d.sort, readable(50)),
        stage: r.read("erp.values.stage", d.stage, readable(50)),
        stage_after_deal: r.read("erp.values.stage_after_deal", d.stage_after_deal, text(0..=50)),
        source: r.read("erp.values.source", d.source, readable(50)),
    }
}

fn mapping(r: &mut Reader) -> MappingConfig {
    const MARKUPS: &[(&str, Markup)] = &[("full_width", Markup::FullWidth), ("keep", Markup::Keep)];
    let d = MappingConfig::default();
    let prefix = text_such_that(
        is_prefix,
        "write one or two letters or digits: 客户编号 holds 50 characters, a contact's id up to 48",
    );
    MappingConfig {
        khid_prefix: r.read("mapping.khid_prefix", d.khid_prefix, prefix),
        levels: r.read("mapping.levels", d.levels, list(0..=20, level)),
        markup: r.read("mapping.markup", d.markup, one_of(MARKUPS)),
    }
}

fn messages(r: &mut Reader) -> MessagesConfig {
    const CHOICES: &[(&str, BeforePromotion)] = &[("hold", BeforePromotion::Hold), ("ignore", BeforePromotion::Ignore)];
    let d = MessagesConfig::default();
    MessagesConfig {
        before_promotion: r.read("messages.before_promotion", d.before_promotion, one_of(CHOICES)),
        hold_for: r.read("messages.hold_for", d.hold_for, duration(SECOND..=DAY * 3_650)),
    }
}

fn retention(r: &mut Reader) -> RetentionConfig {
    let d = RetentionConfig::default();
    RetentionConfig {
        succeeded: r.read("retention.succeeded", d.succeeded, duration(HOUR..=DAY * 3_650)),
        audit: r.read("retention.audit", d.audit, duration(DAY..=DAY * 36_500)),
        outbox: r.read("retention.outbox", d.outbox, duration(DAY..=DAY * 3_650)),
        webhook_ids: r.read("retention.webhook_ids", d.webhook_ids, duration(Duration::ZERO..=DAY * 36_500)),
    }
}

fn worker(r: &mut Reader) -> WorkerConfig {
    let d = WorkerConfig::default();
    WorkerConfig {
        lease: r.read(LEASE, d.lease, duration(SECOND..=HOUR)),
        poll: r.read("worker.poll", d.poll, duration(MS * 10..=MINUTE)),
        circuit_failures: r.read("worker.circuit_failures", d.circuit_failures, integer(1..=1_000)),
        circuit_pause: r.read("worker.circuit_pause", d.circuit_pause, duration(MS * 10..=HOUR)),
        block_pause: r.read("worker.block_pause", d.block_pause, duration(MS * 10..=HOUR)),
        block_pause_max: r.read("worker.block_pause_max", d.block_pause_max, duration(MS * 10..=HOUR * 24)),
        cut_short_runs: r.read("worker.cut_short_runs", d.cut_short_runs, integer(3..=1_000)),
    }
}

fn writeback(r: &mut Reader) -> WriteBackConfig {
    let d = WriteBackConfig::default();
    WriteBackConfig {
        url: r.secret("writeback.url", d.url, unless_empty(read_as)),
        secret: r.secret("writeback.secret", d.secret, unless_empty(read_as)),
        succeeded: r.read("writeback.succeeded", d.succeeded, truth),
        timeout: r.read("writeback.timeout", d.timeout, duration(MS * 100..=MINUTE)),
    }
}

fn alerts(r: &mut Reader) -> AlertsConfig {
    let d = AlertsConfig::default();
    AlertsConfig {
        targets: r.secret("alerts.targets", d.targets, list(0..=10, alert_target)),
        interval: r.read("alerts.interval", d.interval, duration(SECOND..=DAY)),
        clear_after: r.read("alerts.clear_after", d.clear_after, duration(Duration::ZERO..=DAY)),
        daily_summary: r.read("alerts.daily_summary", d.daily_summary, unless_empty(read_as)),
        backlog_age: r.read("alerts.backlog_age", d.backlog_age, duration(Duration::ZERO..=DAY * 30)),
        circuit_open_for: r.read("alerts.circuit_open_for", d.circuit_open_for, duration(Duration::ZERO..=DAY)),
        old_secret_for: r.read("alerts.old_secret_for", d.old_secret_for, duration(Duration::ZERO..=DAY * 365)),
        details: r.read("alerts.details", d.details, truth),
    }
}

fn log(r: &mut Reader) -> LogConfig {
    const FORMATS: &[(&str, LogFormat)] = &[("text", LogFormat::Text), ("json", LogFormat::Json)];
    let d = LogConfig::default();
    LogConfig {
        filter: r.read("log.filter", d.filter, read_as),
        format: r.read("log.format", d.format, one_of(FORMATS)),
    }
}
