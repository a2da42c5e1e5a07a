//! What `erp-bridge check` tries: everything that can fail later, against the real store and the real ERP. It only reads.

mod erp;
mod rows;

use std::sync::Arc;

use futures::future::BoxFuture;
use tokio::sync::watch;

use super::{LedgerSessions, survey::newest_survey};
use crate::{
    clock::{Clock, erp_zone},
    config::Config,
    erp::{Erp, MemorySessions, SessionStore},
    event::{Bilingual, Link},
    http::{CheckRow, Checker, CustomerField, PreviewError, Salesperson, TriedTarget},
    notify::alerts::{AlertWatch, Tried},
    store::{InstanceLock, OpenError, Store},
    sync::customer_now,
};

/// Tries configuration, store, login, every configured choice and salesperson, the right to each interface that is read,
/// both clocks, and a look-up. `warnings` are those of the configuration file itself.
pub async fn check(config: &Config, warnings: Vec<String>) -> Vec<CheckRow> {
    let clock = Clock::system();
    let mut rows = configuration(config, &clock, warnings);
    // A ledger that a running bridge works on is only looked at, and so is a PostgreSQL, which replicas of an earlier
    // program may work on.
    let instance_lock = InstanceLock::take(&config.database);
    let is_ours_alone = instance_lock.as_ref().is_ok_and(InstanceLock::is_held);
    let store = Store::open(&config.database, clock.clone(), is_ours_alone).await;
    rows.push(store_row(&store).await);
    rows.push(zone_row(config, &clock));
    match Erp::new(&config.erp, &config.outbound.authorities, clock.clone(), account_sessions(store.as_ref().ok())) {
        Ok(erp) => {
            let survey = match &store {
                Ok(store) => newest_survey(store, config.erp.base_url.as_str()).await,
                Err(_) => None,
            };
            rows.extend(erp::check(config, &erp, &clock, survey.as_ref()).await);
        }
        Err(error) => rows.push(CheckRow::of("erp.client", "ERP 连接", "ERP client").fails(error.to_string(), None)),
    }
    if let Ok(store) = store {
        store.close().await;
    }
    rows
}

/// The same of a bridge at work, by its own ledger and ERP client and what it is configured with now.
pub(super) struct LiveChecker {
    pub(super) config: watch::Receiver<Config>,
    /// Whoever tells people what is wrong knows the targets in force, and what they were sent.
    pub(super) alerts: Option<Arc<AlertWatch>>,
    pub(super) store: Store,
    pub(super) erp: Erp,
    pub(super) clock: Clock,
}

impl Checker for LiveChecker {
    fn check(&self) -> BoxFuture<'_, Vec<CheckRow>> {
        Box::pin(async {
            let config = self.config.borrow().clone();
            let mut rows = configuration(&config, &self.clock, Vec::new());
            rows.push(ledger(&self.store).await);
            rows.push(zone_row(&config, &self.clock));
            let survey = newest_survey(&self.store, config.erp.base_url.as_str()).await;
            rows.extend(erp::check(&config, &self.erp, &self.clock, survey.as_ref()).await);
            rows
        })
    }

    fn salespeople(&self) -> BoxFuture<'_, Result<Vec<Salesperson>, PreviewError>> {
        Box::pin(async {
            let accounts = self.erp.list_accounts().await.map_err(|error| PreviewError::Erp(error.to_string()))?;
            let open = accounts.iter().filter(|account| !account.is_closed());
            Ok(open
                .map(|account| Salesperson {
                    id: account.ord.clone(),
                    name: account
                        .name
                        .clone()
                        .or_else(|| account.username.clone())
                        .unwrap_or_else(|| account.ord.clone()),
                    department: account.part_name.clone().unwrap_or_default(),
                })
                .collect())
        })
    }

    fn customer(&self, link: Link) -> BoxFuture<'_, Result<Vec<CustomerField>, PreviewError>> {
        Box::pin(async move {
            let now = customer_now(&self.erp, &link).await.map_err(|error| PreviewError::Erp(error.to_string()))?;
            let field = |id: &str| CustomerField {
                id: id.to_owned(),
                value: now.value(id).unwrap_or_default().to_owned(),
                shown: now.shown(id).unwrap_or_default().to_owned(),
            };
            Ok(now.ids().map(field).collect())
        })
    }

    fn try_alerts(&self) -> BoxFuture<'_, Vec<TriedTarget>> {
        Box::pin(async {
            let Some(alerts) = &self.alerts else { return Vec::new() };
            let shown = |Tried { kind, host, refusal }| TriedTarget { kind, host, ok: refusal.is_none(), refusal };
            alerts.try_targets().await.into_iter().map(shown).collect()
        })
    }
}

/// That it can be read, and what is unwise about it.
fn configuration(config: &Config, clock: &Clock, warnings: Vec<String>) -> Vec<CheckRow> {
    let warnings = warnings.into_iter().chain(config.warnings(clock.now()));
    let noted = warnings.map(|warning| CheckRow::of("configuration.warning", "配置提示", "advice").noted(warning));
    let readable = CheckRow::of("configuration", "配置", "configuration").holds("✓");
    [readable].into_iter().chain(noted).collect()
}

/// Whether the ledger can be written.
async fn ledger(store: &Store) -> CheckRow {
    let row = CheckRow::of("store", "台账", "store");
    match store.ping().await {
        Ok(()) => row.holds(store.mode()),
        Err(error) => row.fails(error.to_string(), Some(ledger_advice())),
    }
}

fn ledger_advice() -> Bilingual {
    Bilingual::new(
        "核对 database.url，以及目录和数据库的权限",
        "look at database.url and at the rights to its directory or database",
    )
}

/// With the ledger's memory of refused logins, so that asking again and again cannot lock the account.
pub(super) fn account_sessions(store: Option<&Store>) -> Arc<dyn SessionStore> {
    match store {
        Some(store) => Arc::new(LedgerSessions(store.clone())),
        None => Arc::new(MemorySessions::default()),
    }
}

async fn store_row(store: &Result<Store, OpenError>) -> CheckRow {
    let row = CheckRow::of("store", "台账", "store");
    match store {
        Ok(store) => ledger(store).await,
        // A schema that the next start brings up to date is nothing that fails.
        Err(OpenError::Behind { found, expected }) => row.holds(format!("{found} → {expected}: erp-bridge serve")),
        Err(error) => row.fails(error.to_string(), Some(ledger_advice())),
    }
}

/// Times without a zone are read in one zone and written for the ERP in its own.
fn zone_row(config: &Config, clock: &Clock) -> CheckRow {
    let row = CheckRow::of("time_zone", "时区", "time zone");
    let (now, zone) = (clock.now().timestamp(), &config.webhook.zone);
    let (ours, theirs) = (now.to_zoned_datetime(zone.clone()), now.to_zoned_datetime(erp_zone()));
    let shown = format!("webhook.zone {}; ERP {}", ours.strftime("%F %H:%M %Q"), theirs.strftime("%F %H:%M %Q"));
    if ours.offset() == theirs.offset() { row.holds(shown) } else { row.noted(shown) }
}
