//! Every key as it is in force, for people: what it is, and where that was said. No secret is among it.

use super::{keys, source::Reader};

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

/// Every key of a file's text (its name is for the origins) and of the environment over it, in their order.
pub fn settings(file: Option<(&str, &str)>, env: impl Iterator<Item = (String, String)>) -> Vec<Setting> {
    let mut reader = Reader::new(file, env);
    let mut defaults = Reader::new(Some(("", EXAMPLE)), std::iter::empty());
    keys::read(&mut reader);
    keys::read(&mut defaults);
    let one = |key: &'static str| match (reader.shown(key), defaults.shown(key)) {
        (Some((value, origin)), _) => Setting { key, value, origin: Some(origin) },
        (None, Some((value, _))) => Setting { key, value, origin: None },
        (None, None) => Setting { key, value: String::new(), origin: None },
    };
    reader.keys().into_iter().map(one).collect()
}
