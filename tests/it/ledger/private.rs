//! The ledger's files are their owner's only, and a copy holds no session.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use erp_bridge::{
    clock::Clock,
    config::{DatabaseConfig, Place},
    store::{ErpSession, InstanceLock, Store},
};

use super::{START, event};

fn modes(dir: &Path) -> Vec<(String, u32)> {
    let mode = |entry: fs::DirEntry| {
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        (entry.file_name().to_string_lossy().into_owned(), mode)
    };
    let mut modes: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| mode(entry.unwrap())).collect();
    modes.sort();
    modes
}

fn own(names: &[&str]) -> Vec<(String, u32)> {
    names.iter().map(|name| ((*name).to_owned(), 0o600)).collect()
}

async fn opened(dir: &Path) -> Store {
    let url = format!("sqlite://{}/ledger.db", dir.display());
    let config = DatabaseConfig { url: url.parse().unwrap(), ..DatabaseConfig::default() };
    drop(InstanceLock::take(&config).unwrap());
    let store = Store::open(&config, Clock::manual(START), true).await.unwrap();
    store.accept(event("w1", "c1")).await.unwrap();
    store
}

#[tokio::test]
async fn every_file_of_the_ledger_is_its_owner_s_only_from_the_beginning() {
    let dir = tempfile::tempdir().unwrap();
    let store = opened(dir.path()).await;
    assert_eq!(modes(dir.path()), own(&["ledger.db", "ledger.db-shm", "ledger.db-wal", "ledger.db.lock"]));
    store.close().await;
}

#[tokio::test]
async fn a_ledger_that_others_can_read_is_tightened_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    opened(dir.path()).await.close().await;
    fs::set_permissions(dir.path().join("ledger.db"), fs::Permissions::from_mode(0o664)).unwrap();
    let store = opened(dir.path()).await;
    assert_eq!(modes(dir.path()), own(&["ledger.db", "ledger.db-shm", "ledger.db-wal", "ledger.db.lock"]));
    store.close().await;
}

#[tokio::test]
async fn a_backup_is_its_owner_s_only_and_holds_no_session_of_the_erp() {
    let dir = tempfile::tempdir().unwrap();
    let store = opened(dir.path()).await;
    let (token, refusal) = ("live-session-token-1", "密码错误一次");
    let session = ErpSession {
        account: "fingerprint-of-the-account".into(),
        token: Some(token.into()),
        obtained_at: START,
        refusals: 1,
        refusal: Some(refusal.into()),
    };
    store.save_erp_session(&session).await.unwrap();
    let copies = tempfile::tempdir().unwrap();
    let copy = copies.path().join("copy.db");
    store.backup(&copy).await.unwrap();
    assert_eq!(modes(copies.path()), own(&["copy.db"]));
    let bytes = String::from_utf8_lossy(&fs::read(&copy).unwrap()).into_owned();
    for secret in [token, refusal, &session.account] {
        assert!(!bytes.contains(secret), "{secret}");
    }
    assert!(store.erp_session(&session.account).await.unwrap().is_some(), "the ledger keeps it");
    let twice = store.backup(&copy).await.unwrap_err().to_string();
    assert!(twice.contains("copy.db: exists already"), "{twice}");
    store.close().await;
    // The copy is a whole ledger.
    let config =
        DatabaseConfig { url: format!("sqlite://{}", copy.display()).parse().unwrap(), ..DatabaseConfig::default() };
    let restored = Store::open(&config, Clock::manual(START), false).await.unwrap();
    assert_eq!(restored.claim(10, super::LEASE).await.unwrap().len(), 1);
}

#[test]
fn a_configuration_a_secret_or_a_key_that_others_can_read_is_warned_about_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str| dir.path().join(name);
    let tls = format!("tls_cert = {:?}\ntls_key = {:?}\n", file("tls.crt"), file("tls.key"));
    let names = ["bridge.toml", "password", "tls.key"];
    for (name, text) in [("bridge.toml", format!("[server]\n{tls}")), ("password", "swordfish".into())] {
        fs::write(file(name), text).unwrap();
    }
    for public in ["tls.key", "tls.crt"] {
        fs::write(file(public), "").unwrap();
    }
    fs::set_permissions(file("tls.crt"), fs::Permissions::from_mode(0o644)).unwrap();
    for name in names {
        fs::set_permissions(file(name), fs::Permissions::from_mode(0o600)).unwrap();
    }
    let place = Place { file: Some(file("bridge.toml")) };
    let password = file("password").display().to_string();
    let warnings = || place.warnings_in([("ERP_BRIDGE__ERP__PASSWORD_FILE".to_owned(), password.clone())].into_iter());
    for name in names {
        for (mode, warned) in
            [(0o400, false), (0o640, false), (0o644, true), (0o604, true), (0o620, true), (0o600, false)]
        {
            fs::set_permissions(file(name), fs::Permissions::from_mode(mode)).unwrap();
            let warnings = warnings();
            assert_eq!(warnings.len(), usize::from(warned), "{name} {mode:o}: {warnings:?}");
            assert!(warnings.iter().all(|warning| warning.contains(name) && warning.contains("chmod g-w,o=")));
        }
    }
}
