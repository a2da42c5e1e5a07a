use std::io::Write;

use secrecy::ExposeSecret;

use super::*;
use crate::config::source::Reader;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const EXAMPLE: &str = include_str!("../../erp-bridge.example.toml");

/// What a bridge cannot serve without, and the longest lease, so that the limits of `erp.timeout` can be reached.
const REQUIRED: [(&str, &str); 6] = [
    ("ERP_BRIDGE__WEBHOOK__SECRETS", SECRET),
    ("ERP_BRIDGE__ERP__BASE_URL", "http://erp.example:8080"),
    ("ERP_BRIDGE__ERP__USERNAME", "bridge"),
    ("ERP_BRIDGE__ERP__PASSWORD", "swordfish"),
    ("ERP_BRIDGE__ERP__SERIAL", "0042"),
    ("ERP_BRIDGE__WORKER__LEASE", "1h"),
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

/// Every key with values at its limits, and values just beyond them or of another kind.
const LIMITS: &[(&str, &[&str], &[&str])] = &[
    ("server.listen", &["127.0.0.1:0", "[::]:8080", "localhost:65535"], &["", "8080", "127.0.0.1", "a b:1", "h:65536"]),
    ("server.body_limit", &["1024", "1KiB", "16MiB", "256 kB"], &["1023", "16777217", "17MiB", "much", "-1", ""]),
    ("server.read_timeout", &["100ms", "10m"], &["99ms", "601s", "20", "", "-1s"]),
    ("server.shutdown_grace", &["0s", "10m"], &["601s", "25"]),
    ("server.max_connections", &["1", "100000"], &["0", "100001", "-1", "1.5", "many"]),
    (
        "database.url",
        &["sqlite://a.db", "postgres://u:p@h/d", "postgresql://h/d"],
        &["", "a.db", "mysql://h/d", "sqlite://", "postgres://"],
    ),
    ("database.max_connections", &["1", "200"], &["0", "201"]),
    ("database.max_backlog", &["1", "1000000000"], &["0", "1000000001"]),
    ("database.min_free_disk", &["0", "1TiB"], &["1025GiB", "-1", "some"]),
    (
        "webhook.secrets",
        &[SECRET, "whsec_MQ==", "whsec_MQ"],
        &["", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_!"],
    ),
    ("webhook.tolerance", &["1s", "24h"], &["999ms", "86401s", "5"]),
    ("webhook.rate_limit", &["0", "1000000"], &["-1", "1000001"]),
    ("webhook.silence_after", &["0s", "365d"], &["31536001s", "1"]),
    (
        "api.tokens",
        &["", "ops:operate:T", "a:read:x:y:z,b:read:2"],
        &["ops", "ops:operate", "ops:admin:T", "ops:read:", ":read:T", "a b:read:T"],
    ),
    ("api.rate_limit", &["0", "1000000"], &["-1", "1000001"]),
    ("api.auth_failure_limit", &["0", "1000000"], &["-1", "1000001"]),
    ("admission.min_score", &["0", "60", "59.5", "100"], &["-0.1", "100.1", "sixty", "NaN", ""]),
    ("admission.placeholders", &["", "先生", "先生,女士"], &["先生,,女士", ","]),
    (
        "admission.rules",
        &["", "deal.closed:phone_verified+score", "message.logged:,sync.requested:score"],
        &["deal.closed", "deal.lost:score", "deal.closed:luck", "deal.closed:score,deal.closed:score"],
    ),
    (
        "erp.base_url",
        &["http://erp", "https://erp.example:8443/", "http://127.0.0.1:46088", "http://[::1]:1"],
        &[
            "",
            "erp.example",
            "ftp://erp",
            "http://erp/sysa",
            "http://erp?x=1",
            "http://u:p@erp",
            "http://erp/#a",
            "http://",
        ],
    ),
    ("erp.username", &["a", "管理员"], &["", " "]),
    ("erp.password", &["x", " "], &[""]),
    ("erp.serial", &["0", "12345678901234567890", "007"], &["", "123456789012345678901", "12-3", "序列"]),
    (
        "erp.content_type",
        &["application/json", "application/zsml; charset=utf-8", "application/zsml"],
        &["", "text/plain"],
    ),
    ("erp.login_path", &["/webapi/v3/ov1/login", "/SYSA/mobilephone/login.asp"], &["", "/", "login", "/a?b=c", "/a b"]),
    ("erp.timeout", &["100ms", "5m"], &["99ms", "301s", "20"]),
    ("erp.max_in_flight", &["1", "64"], &["0", "65"]),
    ("erp.late_effect", &["0s", "1h"], &["3601s", "1"]),
    ("erp.choices_max_age", &["1s", "7d"], &["999ms", "604801s"]),
    ("erp.session_max_age", &["1s", "1d"], &["999ms", "86401s"]),
    (
        "erp.quiet_hours",
        &["", "02:00-03:30", "23:30-00:15,12:00-12:01"],
        &["02:00", "2:00-3:00", "24:00-01:00", "02:60-03:00", "02:00-02:00", "+1:00-02:00"],
    ),
    (
        "erp.values.sort1",
        &["3", "3,7"],
        &["", "3,", "a", "3;7", "1,22,333,4444,55555,666666,7777777,88888888,99999999"],
    ),
    ("erp.values.sort", &["默认分类"], &["", "  "]),
    ("erp.values.stage", &["潜在客户"], &["", "  "]),
    (
        "erp.values.stage_after_deal",
        &["", "成交客户"],
        &["一二三四五六七八九十一二三四五六七八九十一二三四五六七八九十一二三四五六七八九十一二三四五六七八九十一"],
    ),
    ("erp.values.source", &["微信"], &["", "  "]),
    ("mapping.khid_prefix", &["W", "WX", "微信"], &["", "WXX", "W ", "🙂🙂"]),
    (
        "mapping.levels",
        &["", "90:175:很高", "90:175:很高,0:290:很低"],
        &["90", "90:175", "90:175:", "90:x:很高", "101:175:很高", "0:290:很低,90:175:很高", "60:1:甲,60:2:乙"],
    ),
    ("mapping.markup", &["full_width", "keep"], &["", "FullWidth"]),
    (
        "assignment.rules",
        &["", "60:public", "80:63+71,60:public", "60:public,80:63"],
        &["60", "60:", "60:anna", "101:63", "80:63+", "80:63,80:public", "80:12345678901"],
    ),
    ("messages.before_promotion", &["hold", "ignore"], &["", "drop"]),
    ("messages.hold_for", &["1m", "3650d"], &["59s", "3651d"]),
    ("retry.schedule", &["10ms", "5s,30s", "30d"], &["", "9ms", "5s,,1m", "5", "31d"]),
    ("retention.succeeded", &["1h", "3650d"], &["3599s", "3651d"]),
    ("worker.lease", &["90s", "1h"], &["89s", "3601s", "0s"]),
    ("worker.poll", &["10ms", "1m"], &["9ms", "61s"]),
    ("worker.circuit_failures", &["1", "1000"], &["0", "1001"]),
    ("worker.circuit_pause", &["100ms", "1h"], &["99ms", "3601s"]),
    ("log.filter", &["info", "warn,erp_bridge::erp=debug"], &["", "a=b=c"]),
    ("log.format", &["text", "json"], &["", "xml"]),
];

#[test]
fn every_key_takes_what_lies_within_its_limits() {
    for (key, accepted, _) in LIMITS {
        for value in *accepted {
            let outcome = with_env(&[(&variable_of(key), value)]);
            assert!(outcome.is_ok(), "{key} = {value:?}: {}", outcome.unwrap_err());
        }
    }
}

#[test]
fn every_key_refuses_what_lies_beyond_its_limits_by_name_place_and_remedy() {
    for (key, _, refused) in LIMITS {
        for value in *refused {
            let variable = variable_of(key);
            let problem = only_problem(with_env(&[(&variable, value)]));
            assert_eq!(problem.key, *key, "{value:?}");
            assert_eq!(problem.origin, format!("environment variable {variable}"));
            let helps =
                ["write", "missing", "no event type", "there are"].iter().any(|word| problem.message.contains(word));
            assert!(helps, "{key} = {value:?} must say what would be right: {problem}");
        }
    }
}

#[test]
fn every_key_has_its_row_of_limits() {
    let mut reader = Reader::new(None, std::iter::empty());
    keys::read(&mut reader);
    let tested: Vec<&str> = LIMITS.iter().map(|(key, ..)| *key).collect();
    assert_eq!(reader.keys(), tested);
}

#[test]
fn lists_are_counted() {
    let many = |item: &str, count: usize| vec![item; count].join(",");
    let texts = |count| many("x", count);
    let rules = |count: usize| (0..count).map(|score| format!("{score}:public")).collect::<Vec<_>>().join(",");
    let levels = |count: usize| (0..count).rev().map(|min| format!("{min}:1:x")).collect::<Vec<_>>().join(",");
    let tokens = |count: usize| (0..count).map(|n| format!("n{n}:read:t{n}")).collect::<Vec<_>>().join(",");
    for (key, list, max) in [
        ("webhook.secrets", &(|count| many(SECRET, count)) as &dyn Fn(usize) -> String, 16),
        ("api.tokens", &tokens, 100),
        ("admission.placeholders", &texts, 1_000),
        ("erp.quiet_hours", &|count| many("02:00-03:00", count), 24),
        ("mapping.levels", &levels, 20),
        ("assignment.rules", &rules, 50),
        ("retry.schedule", &|count| many("1s", count), 50),
    ] {
        assert!(with_env(&[(&variable_of(key), &list(max - 1))]).is_ok(), "{key} with {} items", max - 1);
        assert!(with_env(&[(&variable_of(key), &list(max))]).is_ok(), "{key} with {max} items");
        let problem = only_problem(with_env(&[(&variable_of(key), &list(max + 1))]));
        assert!(problem.message.contains(&format!("to {max} items; these are {}", max + 1)), "{problem}");
    }
}

#[test]
fn texts_are_counted_in_utf16_units_as_the_erp_counts() {
    let stage = variable_of("erp.values.stage");
    assert!(with_env(&[(&stage, &"🙂".repeat(25))]).is_ok());
    assert_eq!(only_problem(with_env(&[(&stage, &"🙂".repeat(26))])).key, "erp.values.stage");
}

#[test]
fn the_environment_means_what_the_key_says() {
    let config = with_env(&[
        ("ERP_BRIDGE__SERVER__BODY_LIMIT", "128KiB"),
        ("ERP_BRIDGE__ERP__SERIAL", "007"),
        ("ERP_BRIDGE__ERP__PASSWORD", "true"),
        ("ERP_BRIDGE__ERP__BASE_URL", "http://erp.example/"),
        ("ERP_BRIDGE__API__TOKENS", "ops:operate:007,view:read:a:b"),
        ("ERP_BRIDGE__ADMISSION__MIN_SCORE", "59.5"),
        ("ERP_BRIDGE__ADMISSION__PLACEHOLDERS", "先生, 女士"),
        ("ERP_BRIDGE__ADMISSION__RULES", "deal.closed:phone_verified+score,message.logged:"),
        ("ERP_BRIDGE__MAPPING__LEVELS", "90:175:很高,0:290:很低"),
        ("ERP_BRIDGE__ASSIGNMENT__RULES", "80:63+71,60:public"),
        ("ERP_BRIDGE__RETRY__SCHEDULE", "5s,1m 30s"),
        ("ERP_BRIDGE__ERP__QUIET_HOURS", "02:00-03:30"),
    ])
    .unwrap();
    assert_eq!(config.server.body_limit, 128 * 1024);
    assert_eq!(config.erp.serial, "007");
    assert_eq!(config.erp.password.expose_secret(), "true");
    assert_eq!(config.erp.base_url, "http://erp.example");
    let tokens: Vec<_> =
        config.api.tokens.iter().map(|token| (token.name.as_str(), token.scope, token.token.expose_secret())).collect();
    assert_eq!(tokens, [("ops", Scope::Operate, "007"), ("view", Scope::Read, "a:b")]);
    assert!((config.admission.min_score - 59.5).abs() < f64::EPSILON);
    assert_eq!(config.admission.placeholders, ["先生", "女士"]);
    assert_eq!(config.admission.rules["deal.closed"], ["phone_verified", "score"]);
    assert!(config.admission.rules["message.logged"].is_empty());
    assert_eq!(config.mapping.levels[1], Level { min: 0.0, id: 290, text: "很低".into() });
    let users = AssignmentRule { min_score: 80.0, users: vec!["63".into(), "71".into()], public: false };
    let public = AssignmentRule { min_score: 60.0, users: Vec::new(), public: true };
    assert_eq!(config.assignment.rules, [users, public]);
    assert_eq!(config.retry.schedule, [Duration::from_secs(5), Duration::from_secs(90)]);
    assert_eq!(config.erp.quiet_hours, ["02:00-03:30"]);
}

#[test]
fn the_file_has_tables_where_the_environment_has_colons() {
    let config = with_file(
        r#"
        [server]
        body_limit = 65536
        [api]
        tokens = [{ name = "ops", scope = "operate", token = "t" }]
        [admission]
        min_score = 61
        rules = { "deal.closed" = ["score"] }
        [mapping]
        levels = [{ min = 90, id = 175, text = "很高" }, { min = 0.5, id = 290, text = "很低" }]
        [[assignment.rules]]
        min_score = 80
        users = ["63", "71"]
        [[assignment.rules]]
        min_score = 60
        public = true
        "#,
    )
    .unwrap();
    let environment = with_env(&[
        ("ERP_BRIDGE__SERVER__BODY_LIMIT", "64KiB"),
        ("ERP_BRIDGE__API__TOKENS", "ops:operate:t"),
        ("ERP_BRIDGE__ADMISSION__MIN_SCORE", "61"),
        ("ERP_BRIDGE__ADMISSION__RULES", "deal.closed:score"),
        ("ERP_BRIDGE__MAPPING__LEVELS", "90:175:很高,0.5:290:很低"),
        ("ERP_BRIDGE__ASSIGNMENT__RULES", "80:63+71,60:public"),
    ])
    .unwrap();
    assert_eq!(format!("{config:?}"), format!("{environment:?}"));
    assert_eq!(config.assignment.rules.len(), 2);
}

#[test]
fn the_environment_goes_over_the_file() {
    let file = "[erp]\nmax_in_flight = 2\ntimeout = \"3s\"\n";
    let config =
        Config::from_sources(Some(("f", file)), variables(&[("ERP_BRIDGE__ERP__MAX_IN_FLIGHT", "9")])).unwrap();
    assert_eq!((config.erp.max_in_flight, config.erp.timeout), (9, Duration::from_secs(3)));
}

#[test]
fn a_problem_in_a_file_names_its_line() {
    for (text, expected) in [
        (
            "[erp]\n\ntimeout = \"20\"\n",
            "erp.timeout (bridge.toml, line 3): \"20\" is not possible; write a time with its unit in quotes",
        ),
        ("[erp]\nserial = 7\n", "erp.serial"),
        (
            "[server]\nmax_connections = \"9\"\n",
            "server.max_connections (bridge.toml, line 2): \"9\" is not possible; write a whole number from 1 to 100000, without quotes",
        ),
        (
            "[erp]\ntimeot = \"20s\"\n",
            "erp.timeot (bridge.toml, line 2): there is no such key; [erp] has base_url, username",
        ),
        ("\n[erpp]\na = 1\n", "erpp (bridge.toml, line 2): there is no such section; there are server, database"),
        ("erp = 5\n", "erp (bridge.toml, line 1): is a section: write [erp] on a line of its own"),
        ("top = 5\n", "top (bridge.toml, line 1): there is no such section"),
        (
            "[erp.values]\nsorte = \"x\"\n",
            "erp.values.sorte (bridge.toml, line 2): there is no such key; [erp.values] has sort1, sort",
        ),
        (
            "[retry]\nschedule = [\"5s\", 30]\n",
            "retry.schedule (bridge.toml, line 2): this list is not possible; item 2: write a time",
        ),
        (
            "[api]\ntokens = [{ name = \"a\", scope = \"read\" }]\n",
            "api.tokens (bridge.toml, line 2): item 1: token is missing",
        ),
        (
            "[api]\ntokens = [{ nam = \"a\" }]\n",
            "api.tokens (bridge.toml, line 2): item 1: there is no member nam; write { name =",
        ),
        (
            "[assignment]\nrules = [{ min_score = 1, users = [\"63\"], public = true }]\n",
            "assignment.rules (bridge.toml, line 2): this list is not possible; item 1: a rule names users or is public",
        ),
        (
            "[assignment]\nrules = [{ min_score = 1 }]\n",
            "assignment.rules (bridge.toml, line 2): this list is not possible; item 1: a rule names users or is public",
        ),
        (
            "[log]\nformat = 1979-05-27\n",
            "log.format (bridge.toml, line 2): 1979-05-27 is not possible; write \"text\" or \"json\"",
        ),
        ("[server]\nmax_connections = 99999999999999999999\n", "the file (bridge.toml, line 2)"),
        ("[erp]\npassword = \"swordfish\n", "the file (bridge.toml, line 2): this is no TOML"),
    ] {
        let mut text = text.to_owned();
        if expected.starts_with("erp.serial") {
            // The environment would hide it.
            let env = variables(&[]).filter(|(name, _)| !name.ends_with("SERIAL"));
            let problem = only_problem(Config::from_sources(Some(("bridge.toml", &text)), env));
            assert!(problem.to_string().starts_with("erp.serial (bridge.toml, line 2): write 1 to 20"), "{problem}");
            continue;
        }
        text.push('\n');
        let problem = only_problem(with_file(&text)).to_string();
        assert!(problem.starts_with(expected), "{problem}\nmust begin with\n{expected}");
        assert!(!problem.contains("swordfish"), "{problem}");
    }
}

#[test]
fn an_unknown_variable_is_refused_and_others_are_none_of_ours() {
    for (name, expected) in [
        ("ERP_BRIDGE__ERP__TIMEOT", "there is no such key; [erp] has"),
        ("ERP_BRIDGE__TIMEOUT", "there is no such section"),
        ("ERP_BRIDGE__ERP__TIMEOUT_FILE", "only secrets may be given by a file"),
        ("ERP_BRIDGE__ERP__SECRET_FILE", "there is no such key"),
    ] {
        let problem = only_problem(with_env(&[(name, "1")]));
        assert!(problem.message.starts_with(expected), "{problem}");
        assert!(problem.origin.ends_with(name), "{problem}");
    }
    assert!(with_env(&[("ERP_BRIDGE_CONFIG", "x"), ("PATH", "y")]).is_ok());
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
    let problem = only_problem(Config::from_sources(Some(("bridge.toml", file)), env));
    let expected = "worker.lease (not set): 2m is too short for erp.timeout = 30s: write at least 2m 10s";
    assert_eq!(problem.to_string(), expected);
}

#[test]
fn token_names_and_tokens_are_each_used_once() {
    for (tokens, holds) in
        [("a:read:1,b:read:2", true), ("a:read:1,a:operate:2", false), ("a:read:1,b:operate:1", false)]
    {
        assert_eq!(with_env(&[("ERP_BRIDGE__API__TOKENS", tokens)]).is_ok(), holds, "{tokens}");
    }
}

#[test]
fn a_secret_can_stand_in_a_file_of_its_own() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all("pass word \n".as_bytes()).unwrap();
    let path = file.path().to_str().unwrap();
    let without_password = || variables(&[]).filter(|(name, _)| !name.ends_with("PASSWORD"));
    let named = |path: &str| Some(("ERP_BRIDGE__ERP__PASSWORD_FILE".to_owned(), path.to_owned()));
    let config = Config::from_sources(None, without_password().chain(named(path))).unwrap();
    assert_eq!(config.erp.password.expose_secret(), "pass word");

    let both = only_problem(with_env(&[("ERP_BRIDGE__ERP__PASSWORD_FILE", path)]));
    assert!(both.message.contains("set only one of the two"), "{both}");

    let gone = Config::from_sources(None, without_password().chain(named("/nowhere/x"))).unwrap_err();
    assert!(gone.to_string().contains("cannot read the file /nowhere/x"), "{gone}");
}

#[test]
fn a_file_of_secrets_has_one_a_line() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    write!(file, "{SECRET}\n whsec_MQ==\n").unwrap();
    let env = variables(&[])
        .filter(|(name, _)| !name.ends_with("SECRETS"))
        .chain(Some(("ERP_BRIDGE__WEBHOOK__SECRETS_FILE".to_owned(), file.path().to_str().unwrap().to_owned())));
    assert_eq!(Config::from_sources(None, env).unwrap().webhook.secrets.len(), 2);
}

#[test]
fn no_secret_is_ever_shown() {
    let secrets = ["swordfish", SECRET, "s3cr3t-token", "dbpass"];
    let config = with_env(&[
        ("ERP_BRIDGE__API__TOKENS", "ops:operate:s3cr3t-token"),
        ("ERP_BRIDGE__DATABASE__URL", "postgres://u:dbpass@h/d"),
    ])
    .unwrap();
    let shown = format!("{config:?}");
    let refused = with_env(&[
        ("ERP_BRIDGE__API__TOKENS", "ops:admin:s3cr3t-token"),
        ("ERP_BRIDGE__DATABASE__URL", "mysql://u:dbpass@h/d"),
        ("ERP_BRIDGE__WEBHOOK__SECRETS", &format!("{SECRET}!")),
    ])
    .unwrap_err();
    assert_eq!(refused.problems.len(), 3);
    for secret in secrets {
        assert!(!shown.contains(secret), "{secret} in {shown}");
        assert!(!format!("{refused} {refused:?}").contains(secret), "{secret} in {refused}");
    }
}

#[test]
fn a_text_that_is_no_utf_8_is_refused() {
    let problem = only_problem(with_env(&[("ERP_BRIDGE__ERP__PASSWORD", "pass\u{fffd}word")]));
    assert_eq!((problem.key.as_str(), problem.message.as_str()), ("erp.password", "is no UTF-8 text"));
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

#[test]
fn weak_secrets_and_missing_tokens_are_warned_of() {
    let warnings = |tokens: &str, secrets: &str| {
        let env = [("ERP_BRIDGE__API__TOKENS", tokens), ("ERP_BRIDGE__WEBHOOK__SECRETS", secrets)];
        with_env(&env).unwrap().warnings()
    };
    let strong = format!("whsec_{}", "A".repeat(32));
    assert_eq!(warnings("ops:read:1234567890123456", &strong), [""; 0]);
    assert_eq!(warnings("ops:read:12345678901234567", &strong), [""; 0]);
    let short = warnings("ops:read:123456789012345", &format!("{strong},whsec_MQ=="));
    assert_eq!(short.len(), 2, "{short:?}");
    assert!(short[0].contains("the token of ops is shorter than 16"), "{short:?}");
    assert!(short[1].contains("secret 2 has fewer than 24"), "{short:?}");
    assert!(warnings("", &strong)[0].contains("nobody can call /v1"));
}

#[test]
fn the_example_file_holds_the_defaults() {
    let example = Config::from_sources(Some(("example", EXAMPLE)), variables(&[])).unwrap();
    let defaults = with_env(&[]).unwrap();
    assert_eq!(format!("{example:#?}"), format!("{defaults:#?}"));
}

/// The example with those lines in force that it shows behind a `#`.
fn example_in_full() -> String {
    let is_key = |line: &str| {
        line.split_once(" = ").is_some_and(|(key, _)| {
            !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '"' | '.'))
        })
    };
    let uncommented = |line: &str| match line.strip_prefix("# ") {
        Some(rest) if is_key(rest) => rest.to_owned(),
        _ => line.to_owned(),
    };
    EXAMPLE.lines().map(uncommented).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_example_file_explains_every_key() {
    let text = example_in_full();
    let config = Config::from_sources(Some(("example", &text)), std::iter::empty()).expect("its samples are possible");
    assert!(!config.webhook.secrets.is_empty());
    let table: toml::de::DeTable<'_> = toml::de::DeTable::parse(&text).unwrap().into_inner();
    let mut reader = Reader::new(None, std::iter::empty());
    keys::read(&mut reader);
    for key in reader.keys() {
        let (section, name) = key.split_once('.').unwrap();
        let mut value = table.get(section).and_then(|section| section.get_ref().as_table());
        let (above, name) = name.split_once('.').map_or((None, name), |(above, name)| (Some(above), name));
        if let Some(above) = above {
            value = value.and_then(|section| section.get(above)).and_then(|section| section.get_ref().as_table());
        }
        assert!(value.is_some_and(|section| section.contains_key(name)), "{key} is not in erp-bridge.example.toml");
    }
}
