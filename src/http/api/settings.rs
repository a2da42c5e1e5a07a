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

/// The configuration, and the tokens and secrets in use.
#[derive(Debug)]
pub(crate) struct Settings {
    /// As they are in force, in their order.
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
    Settings { keys: state.settings.borrow().0.iter().map(shown).collect(), credentials: credentials(state) }
}
