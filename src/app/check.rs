//! What `erp-bridge check` tries: everything that the configuration names, against the real store and the real ERP.

use std::sync::Arc;

use super::LedgerSessions;
use crate::{
    clock::Clock,
    config::Config,
    erp::{ChoiceField, Erp, ErpError, MemorySessions, SessionStore},
    store::{InstanceLock, Store},
};

/// One thing that holds or does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckRow {
    /// What was tried.
    pub what: String,
    /// Whether it holds.
    pub ok: bool,
    /// What was found, or what is wrong and what would be right.
    pub detail: String,
}

/// Tries store, login, every configured choice and every salesperson.
pub async fn check(config: &Config) -> Vec<CheckRow> {
    let mut rows = vec![row("配置 configuration", Ok("every key is right".into()))];
    // A ledger that a running bridge works on is only looked at, and so is a PostgreSQL, which replicas of an earlier
    // program may work on.
    let instance_lock = InstanceLock::take(&config.database);
    let is_ours_alone = instance_lock.as_ref().is_ok_and(InstanceLock::is_held);
    let store = Store::open(&config.database, Clock::system(), is_ours_alone).await;
    rows.push(row("账本 store", store.as_ref().map(|store| store.mode().to_owned()).map_err(ToString::to_string)));
    match Erp::new(&config.erp, Clock::system(), account_sessions(store.as_ref().ok())) {
        Ok(erp) => rows.extend(check_erp(config, &erp).await),
        Err(error) => rows.push(row("ERP", Err(error.to_string()))),
    }
    rows
}

/// With the ledger's memory of refused logins, so that asking again and again cannot lock the account.
pub(super) fn account_sessions(store: Option<&Store>) -> Arc<dyn SessionStore> {
    match store {
        Some(store) => Arc::new(LedgerSessions(store.clone())),
        None => Arc::new(MemorySessions::default()),
    }
}

async fn check_erp(config: &Config, erp: &Erp) -> Vec<CheckRow> {
    let login = erp.check_login().await;
    let refused = login.is_err();
    let shown = login.map(|info| format!("{} {}", info.username, info.app_version.unwrap_or_default()));
    let mut rows = vec![row("ERP 登录 login", shown.map_err(|error| error.to_string()))];
    if refused {
        return rows;
    }
    let source = &config.erp.values.source;
    rows.push(row(&format!("客户来源 {source}"), id(erp, ChoiceField::Source, source).await));
    for level in &config.mapping.levels {
        let found = match erp.choice_id(ChoiceField::Level, &level.text).await {
            Ok(id) if id == level.id => Ok(id.to_string()),
            Ok(id) => Err(format!("the ERP's id is {id}, mapping.levels says {}", level.id)),
            Err(error) => Err(error.to_string()),
        };
        rows.push(row(&format!("价值评估 {}", level.text), found));
    }
    let users: Vec<&String> = config.assignment.rules.iter().flat_map(|rule| &rule.users).collect();
    if users.is_empty() {
        return rows;
    }
    let accounts = erp.list_accounts().await;
    for user in users {
        let found = match &accounts {
            Ok(accounts) => accounts
                .iter()
                .find(|account| account.ord == *user)
                .map(|account| account.name.clone().unwrap_or_default())
                .ok_or_else(|| "the ERP has no such account".to_owned()),
            Err(error) => Err(error.to_string()),
        };
        rows.push(row(&format!("指派用户 {user}"), found));
    }
    rows
}

async fn id(erp: &Erp, field: ChoiceField, text: &str) -> Result<String, String> {
    erp.choice_id(field, text).await.map(|id| id.to_string()).map_err(|error: ErpError| error.to_string())
}

fn row(what: &str, outcome: Result<String, String>) -> CheckRow {
    let (ok, detail) = match outcome {
        Ok(detail) => (true, detail),
        Err(detail) => (false, detail),
    };
    CheckRow { what: what.to_owned(), ok, detail }
}
