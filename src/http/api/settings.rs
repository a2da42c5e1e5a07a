//! How the bridge is configured, as the console shows it.

use super::{
    credentials::{Credentials, credentials},
    views::Sight,
};
use crate::{
    config::Setting,
    http::{keys::Caller, state::HttpState},
    telemetry::masking::mask_account,
};

/// The keys that name a person's or a program's account.
const ACCOUNTS: [&str; 1] = ["erp.username"];

/// Every key as the bridge was started with it, and the keys in use now.
#[derive(Debug)]
pub(crate) struct Settings {
    /// In the order of `erp-bridge.example.toml`.
    pub keys: Vec<Setting>,
    /// Tokens and webhook secrets.
    pub credentials: Credentials,
}

/// How the bridge is configured, as the caller may see it.
pub(crate) fn settings(state: &HttpState, caller: &Caller) -> Settings {
    let sight = Sight::of(caller.scope);
    let shown = |setting: &Setting| match sight {
        Sight::Masked if ACCOUNTS.contains(&setting.key) => {
            Setting { value: mask_account(&setting.value), ..setting.clone() }
        }
        _ => setting.clone(),
    };
    Settings { keys: state.settings.iter().map(shown).collect(), credentials: credentials(state) }
}
