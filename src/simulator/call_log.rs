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
    /// The `traceparent` that it carried; empty without one.
    pub trace_parent: String,
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
    /// The customers that are being written to, each with the number of the call.
    writing: Vec<(i64, u64)>,
    /// Pairs of calls that wrote to one customer at once.
    at_once: Vec<(u64, u64)>,
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
            trace_parent: String::new(),
            faults: Vec::new(),
            outcome: "running".to_owned(),
            stored: false,
            ord: None,
        });
        self.last
    }

    /// Call `n` is going to write to this customer.
    pub(super) fn begin_write(&mut self, n: u64, customer: i64) {
        let others = self.writing.iter().filter(|(other, _)| *other == customer);
        self.at_once.extend(others.map(|(_, other)| (*other, n)));
        self.writing.push((customer, n));
    }

    /// Call `n` has written whatever it was going to.
    pub(super) fn end_write(&mut self, n: u64) {
        self.writing.retain(|(_, call)| *call != n);
    }

    /// Pairs of calls that wrote to one customer at once.
    pub(super) fn at_once(&self) -> &[(u64, u64)] {
        &self.at_once
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

    #[test]
    fn writes_to_one_customer_that_overlap_are_told_and_others_are_not() {
        let mut log = CallLog::default();
        log.begin_write(1, 7);
        log.begin_write(2, 8);
        log.end_write(1);
        log.begin_write(3, 7);
        assert!(log.at_once().is_empty());
        log.begin_write(4, 8);
        assert_eq!(log.at_once(), [(2, 4)]);
    }
}
