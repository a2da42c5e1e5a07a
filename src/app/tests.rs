//! Replicas on one ledger: what one learns of the login, the others know.

use std::time::{Duration, Instant};

use futures::future::join_all;

use super::*;
use crate::{
    clock::Millis,
    config::ApiToken,
    simulator::{self, SimConfig},
};

/// A bridge whose ERP knows another password.
async fn wrong_password(clock: &Clock, dir: &tempfile::TempDir) -> (simulator::Running, Config, App) {
    let sim = simulator::start(SimConfig { clock: clock.clone(), ..SimConfig::default() }).await.unwrap();
    sim.handle.change_settings(|settings| settings.password = "right".into());
    let mut config = Config::default();
    config.server.listen = "127.0.0.1:0".parse().unwrap();
    config.database.url = format!("sqlite://{}/ledger.db", dir.path().display()).parse().unwrap();
    config.webhook.secrets = vec!["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse().unwrap()];
    config.api.tokens = vec![ApiToken::new("ops", crate::config::Scope::Operate, "operator-token-0123456789")];
    config.erp.base_url = sim.base_url().parse().unwrap();
    config.erp.username = "admin".into();
    config.erp.password = "wrong".to_owned().into();
    config.erp.serial = "BRIDGE1".into();
    let options = StartOptions { clock: clock.clone(), ..StartOptions::default() };
    let app = App::start(&config, options).await.unwrap();
    (sim, config, app)
}

fn replica(config: &Config, clock: &Clock, app: &App) -> Erp {
    Erp::new(&config.erp, &config.outbound.authorities, clock.clone(), Arc::new(LedgerSessions(app.store.clone())))
        .unwrap()
}

/// Polls with the clock going on by a second each time.
async fn until(what: &str, clock: &Clock, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(30), "waited in vain until {what}");
        clock.advance(Duration::from_secs(1));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_crash_of_one_of_the_ledgers_own_tasks_ends_the_bridge_and_is_named() {
    let (clock, dir) = (Clock::system(), tempfile::tempdir().unwrap());
    let (_sim, _config, app) = wrong_password(&clock, &dir).await;
    app.store.run_beside("the ledger's writer", async { panic!("as a test wants it") });
    assert_eq!(app.ended().await, Ended::Crashed("the ledger's writer"));
}

#[tokio::test]
async fn replicas_on_one_ledger_try_a_wrong_password_twice_in_all() {
    let (clock, dir) = (Clock::system(), tempfile::tempdir().unwrap());
    let (sim, config, app) = wrong_password(&clock, &dir).await;
    let replicas: Vec<_> = (0..6).map(|_| replica(&config, &clock, &app)).collect();
    let answers = join_all(replicas.iter().map(Erp::check_login)).await;
    assert!(answers.iter().all(Result::is_err), "{answers:?}");
    assert_eq!(sim.handle.calls(0).len(), 2);
    assert!(replica(&config, &clock, &app).check_login().await.is_err());
    assert_eq!((sim.handle.calls(0).len(), sim.handle.is_login_locked()), (2, false));
    app.stop_token().cancel();
    app.ended().await;
}

#[tokio::test]
async fn replicas_of_one_account_do_not_log_each_other_out() {
    let (clock, dir) = (Clock::system(), tempfile::tempdir().unwrap());
    let (sim, config, app) = wrong_password(&clock, &dir).await;
    sim.handle.change_settings(|settings| {
        settings.password = "wrong".into();
        settings.single_session = true;
    });
    let replicas = [replica(&config, &clock, &app), replica(&config, &clock, &app)];
    for round in 0..3 {
        for erp in &replicas {
            erp.check_login().await.unwrap();
            erp.list_accounts().await.unwrap();
        }
        assert_eq!(sim.handle.calls_of("login").len(), 1 + round);
        // The ERP forgets the session: whoever notices renews it for all.
        assert_eq!(sim.handle.expire_sessions(), 1);
    }
    app.stop_token().cancel();
    app.ended().await;
}

#[tokio::test]
async fn a_login_put_right_on_one_replica_lets_the_dispatch_of_another_go_on() {
    let (clock, dir) = (Clock::manual(Millis(1_800_000_000_000)), tempfile::tempdir().unwrap());
    let (sim, config, app) = wrong_password(&clock, &dir).await;
    let paused = || app.dispatcher.paused();
    assert!(app.erp.check_login().await.is_err());
    until("dispatch stands still", &clock, || paused().is_some()).await;
    let other = replica(&config, &clock, &app);
    assert!(other.check_login().await.is_err());
    let tried = sim.handle.calls(0).len();
    let looked_again = clock.now().plus(Duration::from_secs(20));
    until("it looked several times", &clock, || clock.now() >= looked_again).await;
    assert_eq!((sim.handle.calls(0).len(), paused().is_some()), (tried, true), "looking sends nothing");
    sim.handle.change_settings(|settings| settings.password = "wrong".into());
    other.resume_login().await;
    assert!(other.check_login().await.is_ok());
    until("dispatch goes on", &clock, || paused().is_none()).await;
    assert_eq!(app.erp.login_refusal(), None);
    app.stop_token().cancel();
    app.ended().await;
}

#[tokio::test]
async fn a_password_put_right_by_a_reload_lets_dispatch_go_on_and_the_same_one_is_not_tried_again() {
    let (clock, dir) = (Clock::manual(Millis(1_800_000_000_000)), tempfile::tempdir().unwrap());
    let (sim, mut config, app) = wrong_password(&clock, &dir).await;
    let paused = || app.dispatcher.paused();
    assert!(app.erp.check_login().await.is_err());
    until("dispatch stands still", &clock, || paused().is_some()).await;
    let tried = || sim.handle.calls_of("login").len();
    app.reload(&config);
    assert!(app.erp.check_login().await.is_err());
    assert_eq!((tried(), app.erp.login_refusal().is_some()), (1, true), "the same account is refused already");
    config.erp.password = "wrong again".to_owned().into();
    app.reload(&config);
    assert!(app.erp.check_login().await.is_err());
    assert_eq!(tried(), 2, "another password is another account, and tried once");
    config.erp.password = "right".to_owned().into();
    config.erp.base_url = "http://elsewhere.test".parse().unwrap();
    app.reload(&config);
    until("dispatch goes on", &clock, || paused().is_none()).await;
    assert!(app.erp.check_login().await.is_ok(), "the address needs a restart");
    assert_eq!((tried(), sim.handle.is_login_locked()), (3, false));
    app.stop_token().cancel();
    app.ended().await;
}
