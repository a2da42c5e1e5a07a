//! `erp-bridge` as a program: its commands, exit codes, first line, signals. The ERP is the simulator.

mod adopt;
mod authorities;
mod check;
mod documents;
mod init;
mod logs;
mod program;
mod send;
mod tls;

use std::{fs, time::Duration};

use erp_bridge::simulator::{self, SimConfig};
use serde_json::Value;
use sqlx::{ConnectOptions, Connection, sqlite::SqliteConnectOptions};

use self::program::{Program, command, run, settings};
use crate::support::eventually;

#[test]
fn serve_without_a_configuration_names_everything_that_is_missing_and_ends_with_2() {
    let dir = tempfile::tempdir().unwrap();
    let answer = run(command(dir.path(), &[]).arg("serve"));
    assert_eq!((answer.code, answer.stdout.as_str()), (2, ""));
    for key in ["webhook.secrets", "erp.base_url", "erp.username", "erp.password", "erp.serial"] {
        let line = answer.stderr.lines().find(|line| line.contains(key));
        assert!(
            line.is_some_and(|line| line.contains("missing") && line.contains("ERP_BRIDGE__")),
            "{}",
            answer.stderr
        );
    }
}

#[test]
fn a_wrong_file_or_value_is_named_with_its_place() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("erp-bridge.toml"), "[erp]\ntimeout = \"20\"\n").unwrap();
    let settings = settings("http://127.0.0.1:1");
    for (arguments, changed, expected) in [
        (&["serve", "--config", "other.toml"][..], None, "other.toml"),
        (&["serve"], None, "erp.timeout (erp-bridge.toml, line 2)"),
        (&["backup", "out.db"], None, "erp.timeout (erp-bridge.toml, line 2)"),
        (
            &["serve"],
            Some(("ERP_BRIDGE__SERVER__LISTEN", "here")),
            "server.listen (environment variable ERP_BRIDGE__SERVER__LISTEN)",
        ),
    ] {
        let answer = run(command(dir.path(), &settings).args(arguments).envs(changed));
        assert_eq!(answer.code, 2, "{arguments:?}: {}", answer.stderr);
        assert!(answer.stderr.contains(expected), "{arguments:?}: {}", answer.stderr);
    }
}

#[test]
fn wrong_use_ends_with_2_and_says_how_it_is_meant() {
    let dir = tempfile::tempdir().unwrap();
    for arguments in [&[][..], &["fly"], &["serve", "--fast"], &["send", "--url", "http://127.0.0.1:1"], &["backup"]] {
        let answer = run(command(dir.path(), &[]).args(arguments));
        assert_eq!(answer.code, 2, "{arguments:?}");
        assert!(answer.stderr.contains("Usage"), "{arguments:?}: {}", answer.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn serve_says_where_it_listens_is_healthy_and_ends_cleanly_on_a_signal() {
    let sim = simulator::start(SimConfig::default()).await.unwrap();
    let mut set = settings(&sim.base_url());
    set.push(("ERP_BRIDGE__LOG__FORMAT".into(), "json".into()));
    let bridge = Program::serve(&set);
    let client = client();

    let livez = client.get(format!("{}/livez", bridge.url)).send().await.unwrap();
    assert_eq!(livez.status(), 200);
    let address = bridge.url.trim_start_matches("http://").to_owned();
    let healthy = run(command(bridge.dir(), &[]).args(["health", "--address", &address]));
    assert_eq!(healthy.code, 0, "{}", healthy.stderr);

    let asked = format!("{}/v1/events?contact_id=13800138000", bridge.url);
    let asked = client.get(asked).header("x-request-id", "req-1").send().await.unwrap();
    assert_eq!(asked.status(), 401);

    let ended = bridge.signal_and_wait("TERM");
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let of_request: Vec<_> = ended.stderr.lines().filter(|line| line.contains("req-1")).collect();
    assert_eq!(of_request.len(), 1, "one line a request: {of_request:?}");
    assert!(of_request[0].contains("/v1/events") && !of_request[0].contains("138"), "{}", of_request[0]);
    // Only the first line goes to standard output, and it was read at the start.
    assert_eq!(ended.stdout, "");
    for line in ended.stderr.lines() {
        serde_json::from_str::<Value>(line).unwrap_or_else(|error| panic!("{line} is no JSON: {error}"));
        let secrets = [program::SECRET, program::TOKEN, program::PASSWORD];
        assert!(!secrets.iter().any(|secret| line.contains(secret)), "{line}");
    }
    let gone = run(command(tempfile::tempdir().unwrap().path(), &[]).args(["health", "--address", &address]));
    assert_eq!(gone.code, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hang_up_takes_new_secrets_and_tokens_and_keeps_the_old_ones_if_the_file_is_wrong() {
    let sim = simulator::start(SimConfig::default()).await.unwrap();
    let tokens =
        |token: &str| format!("[api]\ntokens = [{{ name = \"ops\", scope = \"operate\", token = \"{token}\" }}]\n");
    let mut set = settings(&sim.base_url());
    set.retain(|(name, _)| name != "ERP_BRIDGE__API__TOKENS");
    let bridge = Program::serve_in(&set, |dir| {
        fs::write(dir.join("erp-bridge.toml"), tokens("first-token-0123456789-0123")).unwrap()
    });
    let client = client();
    let status = async |token: &str| {
        client.get(format!("{}/v1/stats", bridge.url)).bearer_auth(token).send().await.unwrap().status().as_u16()
    };
    assert_eq!(status("first-token-0123456789-0123").await, 200);

    let file = bridge.dir().join("erp-bridge.toml");
    fs::write(&file, tokens("second-token-012345678-0123")).unwrap();
    bridge.signal("HUP");
    let limit = Duration::from_secs(20);
    eventually("the new token passes", limit, async || {
        (status("second-token-012345678-0123").await == 200).then_some(())
    })
    .await;
    assert_eq!(status("first-token-0123456789-0123").await, 401);

    let changed = "[server]\nmax_connections = 9\n[erp.values]\nsource = \"展会\"\n";
    fs::write(&file, format!("{changed}{}", tokens("second-token-012345678-0123"))).unwrap();
    bridge.signal("HUP");
    eventually("what needs a restart is named", limit, async || {
        bridge.logged("in force only after a restart (重启后生效): server.max_connections").then_some(())
    })
    .await;

    fs::write(&file, "[api]\ntokens = 5\n").unwrap();
    bridge.signal("HUP");
    eventually("the mistake is logged", limit, async || {
        bridge.logged("the configuration cannot be taken; everything stays as it was").then_some(())
    })
    .await;
    assert!(bridge.logged("api.tokens (erp-bridge.toml, line 2)"));
    assert_eq!(status("second-token-012345678-0123").await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn check_prints_what_holds_and_ends_with_1_if_anything_does_not() {
    let sim = simulator::start(SimConfig::default()).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let good = settings(&sim.base_url());
    let answer = run(command(dir.path(), &good).arg("check"));
    assert_eq!(answer.code, 0, "{}{}", answer.stdout, answer.stderr);
    assert!(answer.stdout.contains('✓') && !answer.stdout.contains('✗'), "{}", answer.stdout);

    for (name, value, row) in [
        ("ERP_BRIDGE__ERP__VALUES__SOURCE", "抖音", "抖音"),
        ("ERP_BRIDGE__MAPPING__LEVELS", "0:999:很高", "999"),
        ("ERP_BRIDGE__ASSIGNMENT__RULES", "60:987654", "987654"),
        ("ERP_BRIDGE__ASSIGNMENT__RULES", "60:95", "周波"),
        ("ERP_BRIDGE__ERP__VALUES__SORT1", "3,10", "3,10"),
        ("ERP_BRIDGE__ERP__VALUES__SORT", "没有的分类", "没有的分类"),
        ("ERP_BRIDGE__ERP__VALUES__STAGE", "没有的程度", "没有的程度"),
        ("ERP_BRIDGE__ERP__VALUES__STAGE_AFTER_DEAL", "成交", "成交"),
        ("ERP_BRIDGE__DATABASE__URL", "sqlite:///nowhere/at/all/ledger.db", "台账"),
        ("ERP_BRIDGE__ERP__PASSWORD", "wrong", "登录"),
    ] {
        let answer = run(command(dir.path(), &good).arg("check").env(name, value));
        assert_eq!(answer.code, 1, "{name}: {}{}", answer.stdout, answer.stderr);
        let failed: Vec<&str> = answer.stdout.lines().filter(|line| line.starts_with('✗')).collect();
        assert!(failed.iter().any(|line| line.contains(row)), "{name}: {}", answer.stdout);
    }
}

#[test]
fn openapi_prints_the_document_of_the_repository() {
    let dir = tempfile::tempdir().unwrap();
    let answer = run(command(dir.path(), &[]).arg("openapi"));
    assert_eq!(answer.code, 0);
    let committed = include_str!("../../openapi.yaml");
    assert!(answer.stdout == committed, "adopt the change with: cargo run -- openapi > openapi.yaml");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_taken_while_the_bridge_works_and_serves_in_its_place() {
    let sim = simulator::start(SimConfig::default()).await.unwrap();
    let set = settings(&sim.base_url());
    let bridge = Program::serve(&set);
    let sent = send::events(&bridge, &["--id", "kept"], &send::promoted("c-1", 88));
    assert_eq!(sent.code, 0, "{}{}", sent.stdout, sent.stderr);

    // Neither the ERP's password nor a webhook secret is needed for it.
    let only_database: Vec<_> = set.iter().filter(|(name, _)| name.contains("DATABASE")).cloned().collect();
    let backup = run(command(bridge.dir(), &only_database).args(["backup", "copy.db"]));
    assert_eq!(backup.code, 0, "{}", backup.stderr);
    let twice = run(command(bridge.dir(), &only_database).args(["backup", "copy.db"]));
    assert_eq!(twice.code, 2, "a backup never goes over an older one: {}", twice.stdout);
    let copy = fs::read(bridge.dir().join("copy.db")).unwrap();
    assert_eq!(bridge.signal_and_wait("TERM").code, 0);

    let restored = Program::serve_in(&set, |dir| fs::write(dir.join("ledger.db"), copy).unwrap());
    let again = send::events(&restored, &["--id", "kept"], &send::promoted("c-1", 88));
    assert!(again.stdout.contains("200 duplicate"), "{}", again.stdout);
}

fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// A supervisor tries such a bridge again; one that is configured wrongly it leaves alone.
#[test]
fn a_bridge_that_could_not_start_for_what_may_pass_ends_with_1() {
    let dir = tempfile::tempdir().unwrap();
    let mut set = settings("http://127.0.0.1:9");
    set.push(("ERP_BRIDGE__DATABASE__URL".into(), "postgres://nobody@127.0.0.1:9/nothing".into()));
    let answer = run(command(dir.path(), &set).arg("serve"));
    assert_eq!((answer.code, answer.stdout.as_str()), (1, ""), "{}", answer.stderr);
    assert!(!answer.stderr.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bridge_whose_ledger_only_another_program_understands_ends_with_2() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = SqliteConnectOptions::new().filename(dir.path().join("ledger.db")).create_if_missing(true);
    let mut ledger = ledger.connect().await.unwrap();
    let later = "create table _sqlx_migrations (version bigint primary key, description text not null,
          installed_on timestamp not null default current_timestamp, success boolean not null, checksum blob not null,
          execution_time bigint not null);
        insert into _sqlx_migrations (version, description, success, checksum, execution_time)
        values (9999, 'of a later program', true, x'00', 0)";
    sqlx::raw_sql(later).execute(&mut ledger).await.unwrap();
    ledger.close().await.unwrap();
    let answer = run(command(dir.path(), &settings("http://127.0.0.1:9")).arg("serve"));
    assert_eq!((answer.code, answer.stdout.as_str()), (2, ""), "{}", answer.stderr);
    assert!(answer.stderr.contains("9999"), "{}", answer.stderr);
}
