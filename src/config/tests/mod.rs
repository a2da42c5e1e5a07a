//! Loading, key by key and as a whole.

mod example;
mod limits;
mod secrets;
mod sources;

use super::*;
use crate::clock::Millis;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// What a bridge cannot serve without, the longest lease, so that the limits of `erp.timeout` can be reached, and what
/// `writeback.url` does not go without.
const REQUIRED: [(&str, &str); 7] = [
    ("ERP_BRIDGE__WEBHOOK__SECRETS", SECRET),
    ("ERP_BRIDGE__ERP__BASE_URL", "http://erp.example:8080"),
    ("ERP_BRIDGE__ERP__USERNAME", "bridge"),
    ("ERP_BRIDGE__ERP__PASSWORD", "swordfish"),
    ("ERP_BRIDGE__ERP__SERIAL", "0042"),
    ("ERP_BRIDGE__WORKER__LEASE", "1h"),
    ("ERP_BRIDGE__WRITEBACK__SECRET", SECRET),
];

fn variables<'a>(changed: &'a [(&'a str, &'a str)]) -> impl Iterator<Item = (String, String)> + 'a {
    let kept = REQUIRED.iter().filter(|(name, _)| !changed.iter().any(|(other, _)| other == name));
    kept.chain(changed).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
}

fn with_env(changed: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::from_sources(None, variables(changed))
}

fn with_file(text: &str) -> Result<Config, ConfigError> {
    Config::from_sources(Some(("bridge.toml", text)), variables(&[]))
}

fn only_problem(outcome: Result<Config, ConfigError>) -> Problem {
    let problems = outcome.expect_err("this must be refused").problems;
    assert_eq!(problems.len(), 1, "{problems:?}");
    problems.into_iter().next().unwrap()
}

fn variable_of(key: &str) -> String {
    format!("{ENV_PREFIX}{}", key.to_uppercase().replace('.', "__"))
}

#[test]
fn everything_missing_is_reported_at_once() {
    let problems = Config::from_sources(None, std::iter::empty()).unwrap_err().problems;
    let missing: Vec<_> = problems.iter().map(|problem| (problem.key.as_str(), problem.origin.as_str())).collect();
    let keys = ["webhook.secrets", "erp.base_url", "erp.username", "erp.password", "erp.serial"];
    assert_eq!(missing, keys.map(|key| (key, "not set")));
    let text = ConfigError { problems }.to_string();
    assert!(text.contains("5 problems"), "{text}");
    assert!(
        text.contains("write password under [erp], or set ERP_BRIDGE__ERP__PASSWORD or ERP_BRIDGE__ERP__PASSWORD_FILE")
    );
    assert!(text.contains("write username under [erp], or set ERP_BRIDGE__ERP__USERNAME\n"));
}

#[test]
fn a_lease_outlives_four_calls_and_ten_seconds() {
    for (timeout, lease, holds) in
        [("20s", "89s", false), ("20s", "90s", true), ("20s", "91s", true), ("30s", "129s", false)]
    {
        let outcome = with_env(&[("ERP_BRIDGE__ERP__TIMEOUT", timeout), ("ERP_BRIDGE__WORKER__LEASE", lease)]);
        assert_eq!(outcome.is_ok(), holds, "timeout {timeout}, lease {lease}");
    }
    let file = "[erp]\ntimeout = \"30s\"\n";
    let env = variables(&[]).filter(|(name, _)| !name.ends_with("LEASE"));
    let written = format!("{file}[worker]\nlease = \"2m\"\n");
    let problem = only_problem(Config::from_sources(Some(("bridge.toml", &written)), env));
    let expected = "worker.lease (bridge.toml, line 4): 2m is too short for erp.timeout = 30s: write at least 2m 10s";
    assert_eq!(problem.to_string(), expected);
}

#[test]
fn a_lease_that_is_written_nowhere_is_as_long_as_the_timeout_needs() {
    for (timeout, lease) in [("20s", "2m"), ("27500ms", "2m"), ("28s", "2m 2s"), ("30s", "2m 10s"), ("5m", "20m 10s")] {
        let file = format!("[erp]\ntimeout = \"{timeout}\"\n");
        let env = variables(&[]).filter(|(name, _)| !name.ends_with("LEASE"));
        let config = Config::from_sources(Some(("bridge.toml", &file)), env).unwrap();
        assert_eq!(humantime::format_duration(config.worker.lease).to_string(), lease, "{timeout}");
        let shown = config.settings.0.iter().find(|setting| setting.key == "worker.lease").unwrap();
        assert_eq!((shown.value.as_str(), &shown.origin), (lease, &None), "{timeout}");
        assert!(config.written.that_need_a_restart(&config.written).is_empty());
    }
}

#[test]
fn a_memory_for_requests_that_does_not_hold_the_connections_is_raised_and_the_bridge_says_so() {
    // 36 connections and the reserve take 4,800 KiB, and 16 MiB are left over.
    let least = 4_800 * 1_024 + (16 << 20);
    for (written, counts) in [(least - 1, least), (least, least), (least + 1, least + 1)] {
        let config = with_env(&[
            ("ERP_BRIDGE__SERVER__MAX_CONNECTIONS", "36"),
            ("ERP_BRIDGE__SERVER__REQUEST_MEMORY", &written.to_string()),
        ]);
        let config = config.unwrap();
        assert_eq!(config.server.held_request_memory(), counts, "{written}");
        let warned = config.warnings(Millis(0)).iter().any(|warning| warning.starts_with("server.request_memory: "));
        assert_eq!(warned, counts > written, "{written}");
    }
    let long = [("ERP_BRIDGE__SERVER__REQUEST_MEMORY", "1MiB"), ("ERP_BRIDGE__SERVER__BODY_LIMIT", "16MiB")];
    assert_eq!(with_env(&long).unwrap().server.long_bodies_memory(), 16 << 20, "the largest body");
    // As an earlier example had it.
    let earlier = [("ERP_BRIDGE__SERVER__MAX_CONNECTIONS", "2048"), ("ERP_BRIDGE__SERVER__REQUEST_MEMORY", "64MiB")];
    assert_eq!(with_env(&earlier).unwrap().server.held_request_memory(), (99 << 20) + (16 << 20));
}

#[test]
fn a_memory_for_requests_that_is_written_nowhere_is_as_large_as_the_connections_need() {
    for (connections, memory) in [("2048", 163 << 20), ("100000", 48 * 1_024 * (100_000 + 64) + (64 << 20))] {
        let config = with_env(&[("ERP_BRIDGE__SERVER__MAX_CONNECTIONS", connections)]).unwrap();
        assert_eq!(config.server.request_memory, memory, "{connections}");
    }
}

#[test]
fn token_names_and_tokens_are_each_used_once() {
    let (one, two) = ("1".repeat(24), "2".repeat(24));
    let hash = format!("sha256:{}", hex::encode(TokenHash::of(&one).0));
    for (tokens, holds) in [
        (format!("a:read:{one},b:read:{two}"), true),
        (format!("a:read:{one},a:operate:{two}"), false),
        (format!("a:read:{one},b:operate:{one}"), false),
        (format!("a:read:{one},b:operate:{hash}"), false),
    ] {
        assert_eq!(with_env(&[("ERP_BRIDGE__API__TOKENS", &tokens)]).is_ok(), holds, "{tokens}");
    }
}

#[test]
fn alerts_that_have_no_link_into_the_console_are_warned_of() {
    let warned = |changed: &[(&str, &str)]| {
        let warnings = with_env(changed).unwrap().warnings(crate::clock::Millis(0));
        warnings.iter().filter(|warning| warning.contains("console.public_url")).count()
    };
    let targets = ("ERP_BRIDGE__ALERTS__TARGETS", "wecom https://robot.example/send?key=k");
    assert_eq!(warned(&[targets]), 1);
    assert_eq!(warned(&[targets, ("ERP_BRIDGE__CONSOLE__PUBLIC_URL", "https://bridge.example")]), 0);
    assert_eq!(warned(&[targets, ("ERP_BRIDGE__CONSOLE__ENABLED", "false")]), 0, "there is nothing to link to");
    assert_eq!(warned(&[]), 0);
}

#[test]
fn a_block_rests_twice_as_long_after_each_try_and_never_longer_than_its_longest_pause() {
    let seconds = Duration::from_secs;
    let pauses = |block_pause, block_pause_max| {
        let worker = WorkerConfig { block_pause, block_pause_max, ..WorkerConfig::default() };
        [0, 1, 2, i64::MAX, -1].map(|tries| worker.block_pause_after(tries))
    };
    assert_eq!(pauses(seconds(5), seconds(12)), [5, 10, 12, 12, 5].map(seconds));
    assert_eq!(pauses(seconds(60), seconds(2)), [seconds(2); 5]);
}

#[test]
fn a_file_that_was_named_must_be_there() {
    let error = Config::load(Some(std::path::Path::new("/nowhere/bridge.toml")), variables(&[])).unwrap_err();
    assert!(error.to_string().contains("/nowhere/bridge.toml"), "{error}");
    // This test runs in the repository's root, which has no erp-bridge.toml unless a developer made one.
    if !std::path::Path::new(DEFAULT_FILE).exists() {
        assert!(Config::load(None, variables(&[])).is_ok());
    }
}
