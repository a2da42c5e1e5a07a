//! Which keys are written otherwise than at the start: a running bridge takes some of them on SIGHUP, the others need a restart.

use std::{
    collections::{BTreeMap, hash_map::RandomState},
    fmt,
    hash::BuildHasher,
    sync::LazyLock,
};

/// What stands behind each key that is written anywhere, as a hash: enough to see a change, and no secret.
#[derive(Clone, Default)]
pub struct Written(BTreeMap<&'static str, u64>);

/// Random for each process, so that nobody can try secrets against a hash.
static HASHER: LazyLock<RandomState> = LazyLock::new(RandomState::new);

impl Written {
    /// Keys, and sections (with a dot at the end), that a running bridge takes at once.
    pub const TAKEN_AT_ONCE: [&str; 11] = [
        "webhook.secrets",
        "api.tokens",
        "erp.username",
        "erp.password",
        "erp.serial",
        "erp.values.",
        "admission.",
        "mapping.",
        "assignment.",
        "conflicts.",
        "log.filter",
    ];

    /// Notes what stands behind a key.
    pub(super) fn note(&mut self, key: &'static str, value: &impl fmt::Debug) {
        self.0.insert(key, HASHER.hash_one(format!("{value:?}")));
    }

    /// Notes what a key that is written anywhere names, beside what stands behind it.
    pub(super) fn note_named(&mut self, key: &'static str, content: &impl fmt::Debug) {
        if let Some(name) = self.0.get(key).copied() {
            self.note(key, &(name, content));
        }
    }

    /// Takes a key for what it was in `before`.
    pub(super) fn keep(&mut self, key: &'static str, before: &Self) {
        match before.0.get(key) {
            Some(hash) => self.0.insert(key, *hash),
            None => self.0.remove(key),
        };
    }

    /// The keys that are written otherwise than in `before` and are not taken at once.
    pub fn that_need_a_restart(&self, before: &Self) -> Vec<&'static str> {
        let changed = |key: &&'static str| self.0.get(key) != before.0.get(key);
        let mut keys: Vec<&'static str> = self.0.keys().chain(before.0.keys()).copied().filter(changed).collect();
        keys.retain(|key| !is_taken_at_once(key));
        keys.sort_unstable();
        keys.dedup();
        keys
    }
}

/// Whether a running bridge takes a key at once.
pub(super) fn is_taken_at_once(key: &str) -> bool {
    Written::TAKEN_AT_ONCE.iter().any(|live| key == *live || live.ends_with('.') && key.starts_with(live))
}

impl fmt::Debug for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[test]
    fn a_change_is_taken_at_once_or_names_the_key_that_needs_a_restart() {
        let read = |text: &str| {
            let secret = "[webhook]\nsecrets = [\"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"]\n";
            let erp = "[erp]\nbase_url = \"http://erp.test\"\nusername = \"u\"\npassword = \"p\"\nserial = \"s\"\n";
            let text = format!("{erp}{text}\n{secret}");
            Config::from_sources(Some(("x.toml", &text)), std::iter::empty()).unwrap().written
        };
        let before = read("timeout = \"5s\"");
        for (after, keys) in [
            ("timeout = \"5s\"", &[][..]),
            ("timeout = \"5s\"\n[erp.values]\nsource = \"展会\"\n[admission]\nmin_score = 5", &[]),
            ("timeout = \"6s\"\nmax_in_flight = 2", &["erp.max_in_flight", "erp.timeout"]),
            ("[conflicts]\nsame_name = \"create\"\n[log]\nformat = \"json\"", &["erp.timeout", "log.format"]),
        ] {
            assert_eq!(read(after).that_need_a_restart(&before), keys, "{after}");
        }
        assert!(!format!("{before:?}").contains("whsec"));
    }
}
