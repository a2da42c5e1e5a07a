//! The log of every received call, which tests and people read.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;

use super::fields::Fields;

/// Calls kept; older ones are forgotten so that a long benchmark does not fill the memory.
const CALLS_KEPT: usize = 100_000;

/// One received call.
#[derive(Clone, Debug, Serialize)]
pub struct CallRecord {
    /// Counts from 1, never reused.
    pub n: u64,
    /// When it arrived, RFC 3339.
    pub time: String,
    /// The interface's name; `unknown` for what could not be read.
    pub interface: String,
    /// What it carried, without the password.
    pub fields: Fields,
    /// The session that it named.
    pub session: String,
    /// Faults that hit it.
    pub faults: Vec<String>,
    /// `running`, `done`, `refused: …`, `failed: …`, or how the answer was broken.
    pub outcome: String,
    /// Whether it changed a customer, a contact person or a progress record.
    pub stored: bool,
    /// The `ord` of the record that it changed or allocated.
    pub ord: Option<i64>,
}

/// The latest calls and counts of all.
#[derive(Debug, Default)]
pub(super) struct CallLog {
    calls: VecDeque<CallRecord>,
    last: u64,
    pub(super) stored: u64,
    pub(super) by_interface: BTreeMap<String, u64>,
}

impl CallLog {
    /// Writes a call down as `running`; answers its number.
    pub(super) fn open(&mut self, time: String, interface: &str, fields: &Fields, session: &str) -> u64 {
        self.last += 1;
        *self.by_interface.entry(interface.to_owned()).or_default() += 1;
        if self.calls.len() == CALLS_KEPT {
            self.calls.pop_front();
        }
        let mut fields = fields.clone();
        fields.remove("password");
        self.calls.push_back(CallRecord {
            n: self.last,
            time,
            interface: interface.to_owned(),
            fields,
            session: session.to_owned(),
            faults: Vec::new(),
            outcome: "running".to_owned(),
            stored: false,
            ord: None,
        });
        self.last
    }

    /// Changes what is written of call `n`, if it is still kept.
    pub(super) fn note(&mut self, n: u64, change: impl FnOnce(&mut CallRecord)) {
        let first = self.calls.front().map_or(0, |call| call.n);
        let at = n.checked_sub(first).and_then(|at| usize::try_from(at).ok());
        if let Some(call) = at.and_then(|at| self.calls.get_mut(at)) {
            change(call);
        }
    }

    /// The calls after number `n`.
    pub(super) fn since(&self, n: u64) -> impl Iterator<Item = &CallRecord> {
        self.calls.iter().filter(move |call| call.n > n)
    }

    pub(super) fn clear(&mut self) {
        self.calls.clear();
    }

    pub(super) fn total(&self) -> u64 {
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_on_after_clearing_and_the_password_is_left_out() {
        let mut log = CallLog::default();
        let fields = Fields::from([("password".into(), "txt:1".into()), ("user".into(), "txt:a".into())]);
        let first = log.open(String::new(), "login", &fields, "");
        log.clear();
        let second = log.open(String::new(), "login", &fields, "");
        log.note(first, |_| panic!("forgotten calls are not changed"));
        log.note(second, |call| call.stored = true);
        let calls: Vec<_> = log.since(0).collect();
        assert_eq!((calls.len(), calls[0].n, calls[0].stored), (1, 2, true));
        assert_eq!(calls[0].fields.keys().collect::<Vec<_>>(), ["user"]);
        assert_eq!(log.since(2).count(), 0);
    }
}
