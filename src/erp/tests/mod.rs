//! The client against a server that misbehaves on purpose.

mod caching;
mod faults;
mod fruitless;
mod interfaces;
mod login;
mod paging;
mod recording;

use std::{sync::Arc, time::Duration};

use super::{Erp, MemorySessions, SessionStore, fake::Fake};
use crate::{
    clock::{Clock, Millis},
    config::{Authorities, ErpConfig},
};

const START: Millis = Millis(1_800_000_000_000);

fn config(base_url: impl AsRef<str>) -> ErpConfig {
    ErpConfig {
        base_url: base_url.as_ref().parse().unwrap(),
        username: "wechat".into(),
        password: "pass-word-9".to_owned().into(),
        serial: "bridge01".into(),
        timeout: Duration::from_secs(10),
        ..ErpConfig::default()
    }
}

/// A client of its own process, with its own memory of sessions, at a clock that stands still.
fn erp(fake: &Fake) -> Erp {
    erp_with(config(fake.base_url()), &Clock::manual(START), Arc::new(MemorySessions::default()))
}

fn erp_with(config: ErpConfig, clock: &Clock, sessions: Arc<dyn SessionStore>) -> Erp {
    Erp::new(&config, &Authorities::default(), clock.clone(), sessions).unwrap()
}
