//! Every key as it is in force, for people: what it is, and where that was said. No secret is among it.

use std::fmt;

use super::{source::Reader, written::is_taken_at_once};

/// Where the defaults stand as an operator would write them; a test compares them with the code's.
const EXAMPLE: &str = include_str!("../../erp-bridge.example.toml");

/// A key and what is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// `erp.base_url`
    pub key: &'static str,
    /// What is in force, as it would be written; `***` for a secret that is set, empty for what is not set.
    pub value: String,
    /// The file and line, or the environment variable, that says so; `None` for the default.
    pub origin: Option<String>,
}

/// Every key in its order.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Settings(pub Vec<Setting>);

impl Settings {
    /// Every key that was read so far.
    pub(super) fn of(reader: &Reader) -> Self {
        let defaults = Reader::new(Some(("", EXAMPLE)), std::iter::empty());
        let one = |key: &'static str| match reader.shown(key) {
            Some((value, origin)) => Setting { key, value, origin: Some(origin) },
            None => Setting { key, value: defaults.in_file(key).unwrap_or_default(), origin: None },
        };
        Self(reader.keys().into_iter().map(one).collect())
    }

    /// Says what is in force for a key that is written nowhere.
    pub(super) fn put(&mut self, key: &str, value: String) {
        self.0.iter_mut().filter(|setting| setting.key == key).for_each(|setting| setting.value.clone_from(&value));
    }

    /// What is in force after a bridge that runs by these settings has read `anew`.
    #[must_use]
    pub fn after_reload(&self, anew: &Self) -> Self {
        let kept = |(old, new): (&Setting, &Setting)| if is_taken_at_once(old.key) { new.clone() } else { old.clone() };
        Self(self.0.iter().zip(&anew.0).map(kept).collect())
    }
}

/// The keys alone: where their values were said is nothing that two configurations differ by.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.iter().map(|setting| setting.key)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn settings(erp: &str) -> Settings {
        let secret = "[webhook]\nsecrets = [\"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"]\n";
        let text = format!("[erp]\nusername = \"u\"\npassword = \"swordfish\"\nserial = \"s\"\n{erp}\n{secret}");
        let env = [("ERP_BRIDGE__ADMISSION__PLACEHOLDERS".to_owned(), "客户,用户".to_owned())];
        Config::from_sources(Some(("x.toml", &text)), env.into_iter()).unwrap().settings
    }

    fn one(settings: &Settings, key: &str) -> (String, Option<String>) {
        let found = settings.0.iter().find(|setting| setting.key == key).expect("it is a key");
        (found.value.clone(), found.origin.clone())
    }

    #[test]
    fn every_key_says_what_is_in_force_and_where_that_was_said() {
        let settings = settings("base_url = \"http://erp.test\"");
        for (key, value, origin) in [
            ("erp.base_url", "http://erp.test", Some("x.toml, line 5")),
            ("erp.password", "***", Some("x.toml, line 3")),
            ("admission.placeholders", "客户,用户", Some("environment variable ERP_BRIDGE__ADMISSION__PLACEHOLDERS")),
            ("admission.min_score", "60", None),
            ("database.url", "sqlite://erp-bridge.db", None),
            ("api.tokens", "", None),
        ] {
            assert_eq!(one(&settings, key), (value.to_owned(), origin.map(str::to_owned)), "{key}");
        }
        assert!(!format!("{settings:?}").contains("erp.test"));
    }

    #[test]
    fn a_reload_changes_what_is_taken_at_once_and_nothing_else() {
        let before = settings("base_url = \"http://erp.test\"\ntimeout = \"5s\"");
        let anew = settings("base_url = \"http://erp.test\"\ntimeout = \"6s\"\nvalues.source = \"展会\"");
        let after = before.after_reload(&anew);
        assert_eq!(one(&after, "erp.timeout").0, "5s");
        assert_eq!(one(&after, "erp.values.source").0, "展会");
    }
}
