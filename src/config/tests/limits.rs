use base64::{Engine, engine::general_purpose::STANDARD};

use super::*;
use crate::config::source::Reader;

/// Every key with values at its limits, and values just beyond them or of another kind.
const LIMITS: &[(&str, &[&str], &[&str])] = &[
    ("server.listen", &["127.0.0.1:0", "[::]:8080", "localhost:65535"], &["", "8080", "127.0.0.1", "a b:1", "h:65536"]),
    (
        "server.admin_listen",
        &["", "127.0.0.1:8081", "0.0.0.0:8080", "[::1]:0"],
        &["8081", "127.0.0.1", "127.0.0.1:8080", "h:65536"],
    ),
    ("server.body_limit", &["1024", "1KiB", "16MiB", "256 kB"], &["1023", "16777217", "17MiB", "much", "-1", ""]),
    ("server.read_timeout", &["100ms", "10m"], &["99ms", "601s", "20", "", "-1s"]),
    ("server.write_timeout", &["100ms", "10m"], &["99ms", "601s", "20"]),
    ("server.shutdown_grace", &["0s", "10m"], &["601s", "25"]),
    ("server.max_connections", &["1", "100000"], &["0", "100001", "-1", "1.5", "many"]),
    ("server.max_connections_per_address", &["0", "1", "100000"], &["100001", "-1", "many"]),
    ("server.request_memory", &["1MiB", "1048577", "1TiB"], &["1048575", "1025GiB", "much"]),
    (
        "server.trusted_proxies",
        &["", "127.0.0.1", "::1,10.0.0.0/8,2001:db8::/64"],
        &["localhost", "10.0.0.0/33", "10.0.0.1:80", "*", "10.0.0.1,,10.0.0.2"],
    ),
    // Each needs the other: see the test of both.
    ("server.tls_cert", &[""], &["cert.pem"]),
    ("server.tls_key", &[""], &["key.pem"]),
    (
        "database.url",
        &["sqlite://a.db", "postgres://u:p@h/d", "postgresql://h/d"],
        &[
            "",
            "a.db",
            "mysql://h/d",
            "sqlite://",
            "sqlite://:memory:",
            "sqlite://a?mode=memory",
            "sqlite://a?mode=sometimes",
            "postgres://",
            "postgres://h:port/d",
            "postgres://h/d?sslmode=perhaps",
        ],
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
    ("webhook.strict", &["true", "false"], &["1", "yes", ""]),
    ("webhook.zone", &["Asia/Shanghai", "UTC"], &["", "Shanghai", "+08:00", "北京"]),
    ("webhook.silence_after", &["0s", "365d"], &["31536001s", "1"]),
    (
        "api.tokens",
        &[
            "",
            "ops:operate:123456789012345678901234",
            "a:read:x:y:z:5678901234567890123,b:read:2123456789012345678901234",
        ],
        &[
            "ops",
            "ops:operate",
            "ops:admin:123456789012345678901234",
            "ops:read:",
            "ops:read:12345678901234567890123",
            ":read:123456789012345678901234",
            "a b:read:123456789012345678901234",
            "webhook:read:123456789012345678901234",
            "Webhook:read:123456789012345678901234",
            "ops:read:sha256:123456789012345678901234",
        ],
    ),
    ("api.rate_limit", &["0", "1000000"], &["-1", "1000001"]),
    ("api.auth_failure_limit", &["0", "1000000"], &["-1", "1000001"]),
    ("api.preview_limit", &["0", "1000000"], &["-1", "1000001"]),
    ("admission.min_score", &["0", "60", "59.5", "100"], &["-0.1", "100.1", "sixty", "NaN", ""]),
    ("admission.placeholders", &["", "先生", "先生,女士"], &["先生,,女士", ",", "😀"]),
    (
        "admission.rules",
        &[
            "",
            "deal.closed:phone_verified+score",
            "message.logged:,sync.requested:score",
            "deal.closed:phone_verified+name_complete+score+known_customer+deal",
            "deal.closed:phone_verified+name_complete | known_customer,message.logged:",
            "deal.closed:deal|deal|deal|deal|deal|deal|deal|deal|deal|deal",
        ],
        &[
            "deal.closed",
            "deal.lost:score",
            "deal.closed:luck",
            "deal.closed:score,deal.closed:score",
            "deal.closed:score|",
            "deal.closed:|score",
            "deal.closed:score||deal",
            "deal.closed:deal+deal+deal+deal+deal+deal",
            "deal.closed:deal|deal|deal|deal|deal|deal|deal|deal|deal|deal|deal",
        ],
    ),
    (
        "erp.base_url",
        &["http://erp", "https://erp.example:8443/", "http://127.0.0.1:46088", "http://[::1]:1", "http://erp/zb"],
        &["", "erp.example", "ftp://erp", "http://erp?x=1", "http://u:p@erp", "http://erp/#a", "http://"],
    ),
    ("erp.username", &["a", "管理员"], &["", " "]),
    ("erp.password", &["x", " "], &[""]),
    (
        "erp.serial",
        &["0", "ai-client-001", "A_7", "0123456789-0123456789_0123456789-0123456"],
        &["", "0123456789-0123456789_0123456789-01234567", "12 3", "序列"],
    ),
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
        &["60", "60:", "60:anna", "101:63", "80:63+", "80:63,80:public", "80:1234567890"],
    ),
    ("conflicts.same_name", &["review", "create"], &["", "ask"]),
    ("messages.before_promotion", &["hold", "ignore"], &["", "drop"]),
    ("messages.hold_for", &["1s", "3650d"], &["999ms", "3651d"]),
    ("retry.schedule", &["10ms", "5s,30s", "30d"], &["", "9ms", "5s,,1m", "5", "31d"]),
    ("retention.succeeded", &["1h", "3650d"], &["3599s", "3651d"]),
    ("retention.audit", &["1d", "36500d"], &["86399s", "36501d"]),
    ("retention.outbox", &["1d", "3650d"], &["86399s", "3651d"]),
    ("retention.webhook_ids", &["0s", "10m", "36500d"], &["599s", "1s", "36501d"]),
    ("worker.lease", &["90s", "1h"], &["89s", "3601s", "0s"]),
    ("worker.poll", &["10ms", "1m"], &["9ms", "61s"]),
    ("worker.circuit_failures", &["1", "1000"], &["0", "1001"]),
    ("worker.circuit_pause", &["10ms", "1h"], &["9ms", "3601s"]),
    ("worker.block_pause", &["10ms", "1h"], &["9ms", "3601s"]),
    ("worker.block_pause_max", &["10ms", "24h"], &["9ms", "86401s"]),
    ("worker.cut_short_runs", &["3", "1000"], &["2", "1001"]),
    (
        "writeback.url",
        &["", "http://127.0.0.1:9/hooks?a=b&writeback", "https://platform.example/hooks/erp"],
        &["platform.example", "ftp://platform.example/", "http://h/#a", "https://"],
    ),
    ("writeback.secret", &["", SECRET], &["whsec_", "secret"]),
    ("writeback.succeeded", &["true", "false"], &["1", ""]),
    ("writeback.timeout", &["100ms", "1m"], &["99ms", "61s"]),
    (
        "alerts.targets",
        &[
            "",
            "wecom https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=k",
            "dingtalk https://oapi.dingtalk.com/robot/send?access_token=t SECx,feishu https://open.feishu.cn/x s",
            "webhook http://127.0.0.1:9/ whsec_MQ==",
        ],
        &["wecom", "wechat https://x/", "wecom ftp://x/", "webhook http://127.0.0.1:9/ secret", "wecom https://x/ a b"],
    ),
    ("alerts.interval", &["1s", "1d"], &["999ms", "86401s"]),
    ("alerts.clear_after", &["0s", "1d"], &["86401s", "1"]),
    ("alerts.daily_summary", &["", "00:00", "23:59"], &["24:00", "9:00", "09:60", "0900"]),
    ("alerts.backlog_age", &["0s", "30d"], &["2592001s", "1"]),
    ("alerts.circuit_open_for", &["0s", "1d"], &["86401s", "1"]),
    ("alerts.old_secret_for", &["0s", "365d"], &["31536001s", "1"]),
    ("alerts.details", &["true", "false"], &["yes", ""]),
    // What a file may hold: see the test of it.
    ("outbound.ca_cert", &[""], &["no-such-file.pem"]),
    ("console.enabled", &["true", "false"], &["1", "yes", ""]),
    (
        "console.public_url",
        &["", "https://bridge.example", "http://10.0.0.7:8080"],
        &["bridge.example", "http://h?x=1", "http://user@h"],
    ),
    ("log.filter", &["info", "warn,erp_bridge::erp=debug"], &["", "a=b=c"]),
    ("log.format", &["text", "json"], &["", "xml"]),
    (
        "telemetry.otlp_endpoint",
        &["", "http://127.0.0.1:4318", "https://collector.example/v1/traces"],
        &["127.0.0.1:4318", "grpc://h:4317", "http://u:p@h"],
    ),
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
    let tokens = |count: usize| (0..count).map(|n| format!("n{n}:read:{n:024}")).collect::<Vec<_>>().join(",");
    for (key, list, max) in [
        ("webhook.secrets", &(|count| many(SECRET, count)) as &dyn Fn(usize) -> String, 16),
        ("server.trusted_proxies", &|count| many("10.0.0.1", count), 100),
        ("api.tokens", &tokens, 100),
        ("admission.placeholders", &texts, 1_000),
        ("erp.quiet_hours", &|count| many("02:00-03:00", count), 24),
        ("mapping.levels", &levels, 20),
        ("assignment.rules", &rules, 50),
        ("retry.schedule", &|count| many("1s", count), 50),
        ("alerts.targets", &|count| many("wecom https://x/", count), 10),
    ] {
        assert!(with_env(&[(&variable_of(key), &list(max - 1))]).is_ok(), "{key} with {} items", max - 1);
        assert!(with_env(&[(&variable_of(key), &list(max))]).is_ok(), "{key} with {max} items");
        let problem = only_problem(with_env(&[(&variable_of(key), &list(max + 1))]));
        assert!(problem.message.contains(&format!("to {max} items; these are {}", max + 1)), "{problem}");
    }
}

#[test]
fn a_certificate_and_its_key_are_named_together_and_their_paths_have_a_limit() {
    let files = |cert: &str, key: &str| {
        with_env(&[(&variable_of("server.tls_cert"), cert), (&variable_of("server.tls_key"), key)])
    };
    let (longest, longer) = ("x".repeat(1_000), "x".repeat(1_001));
    for path in ["cert.pem", &longest[1..], &longest] {
        let config = files(path, "key.pem").unwrap();
        assert_eq!(config.server.tls().unwrap().cert.to_str(), Some(path));
        assert!(files("cert.pem", path).is_ok());
    }
    assert!(files(&longer, "key.pem").is_err() && files("cert.pem", &longer).is_err());
    assert!(files("", "").unwrap().server.tls().is_none());
}

#[test]
fn authorities_of_one_s_own_are_certificates_in_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("ca.pem");
    let read = |text: &str| {
        std::fs::write(&file, text).unwrap();
        with_env(&[(&variable_of("outbound.ca_cert"), file.to_str().unwrap())])
    };
    for (text, why) in [
        ("", "the file holds no certificate"),
        ("-----BEGIN PRIVATE KEY-----\nMQ==\n-----END PRIVATE KEY-----\n", "the file holds no certificate"),
        ("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n", "the file cannot be read as PEM"),
        ("-----BEGIN CERTIFICATE-----\nMQ==\n-----END CERTIFICATE-----\n", "a certificate that cannot be used"),
    ] {
        let problem = only_problem(read(text));
        assert_eq!(problem.key, "outbound.ca_cert");
        assert!(problem.message.contains(why) && problem.message.contains("write the path"), "{problem}");
    }
    let config = read(&format!("{}{0}", authority(0))).unwrap();
    assert_eq!(config.outbound.authorities.certificates().count(), 2);
}

/// One of the authorities that everybody believes, as a PEM file has it.
fn authority(number: usize) -> String {
    let der = STANDARD.encode(&webpki_root_certs::TLS_SERVER_ROOT_CERTS[number]);
    format!("-----BEGIN CERTIFICATE-----\n{der}\n-----END CERTIFICATE-----\n")
}

#[test]
fn other_authorities_in_the_same_file_need_a_restart_and_those_that_cannot_be_read_keep_nothing_else_out() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("ca.pem");
    let key = variable_of("outbound.ca_cert");
    let set = [(key.as_str(), file.to_str().unwrap())];
    std::fs::write(&file, authority(0)).unwrap();
    let running = with_env(&set).unwrap();
    let again = || {
        let (config, problems) = running.read_again(None, variables(&set)).unwrap();
        let waiting = config.written.that_need_a_restart(&running.written);
        (config, waiting, problems.into_iter().map(|problem| problem.key).collect::<Vec<_>>())
    };
    let (_, waiting, problems) = again();
    assert!(waiting.is_empty() && problems.is_empty(), "{waiting:?} {problems:?}");
    std::fs::write(&file, authority(1)).unwrap();
    let (_, waiting, problems) = again();
    assert!(waiting == ["outbound.ca_cert"] && problems.is_empty(), "{waiting:?} {problems:?}");
    let half_written = &authority(1)[..200];
    for text in [half_written, ""] {
        std::fs::write(&file, text).unwrap();
        let (kept, waiting, problems) = again();
        assert!(waiting.is_empty() && problems == ["outbound.ca_cert"], "{waiting:?} {problems:?}");
        assert!(kept.outbound.authorities.certificates().eq(running.outbound.authorities.certificates()));
    }
    let wrong = [set[0], ("ERP_BRIDGE__ERP__TIMEOUT", "soon")];
    let refused = running.read_again(None, variables(&wrong)).unwrap_err();
    assert_eq!(refused.problems.len(), 2, "all else that is wrong refuses it: {refused}");
}

#[test]
fn texts_are_counted_in_utf16_units_as_the_erp_counts() {
    let stage = variable_of("erp.values.stage");
    assert!(with_env(&[(&stage, &"🙂".repeat(25))]).is_ok());
    assert_eq!(only_problem(with_env(&[(&stage, &"🙂".repeat(26))])).key, "erp.values.stage");
}
