//! Who has looked at which event of late: a page that follows changes looks again and again, and the audit log is told of it
//! once an hour.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::{clock::Millis, store::Actor};

/// For so long a look is the same one.
const SAME: Duration = Duration::from_secs(3_600);
/// Looks that are known at most; beyond them all are forgotten, and are audited once more.
const KNOWN_MAX: usize = 4_096;

/// Whose look, from where, at which event.
type Look = (String, Option<IpAddr>, String);

/// Looks that stand in the audit log, by when they were written there (steady time).
#[derive(Debug, Default)]
pub(super) struct Looks(Mutex<HashMap<Look, Millis>>);

impl Looks {
    /// Whether the log has this look already.
    pub(super) fn has(&self, actor: &Actor, event_id: &str, now: Millis) -> bool {
        let looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        looks.get(&look(actor, event_id)).is_some_and(|at| is_same(*at, now))
    }

    /// The log has it.
    pub(super) fn note(&self, actor: &Actor, event_id: &str, now: Millis) {
        let mut looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if looks.len() >= KNOWN_MAX {
            looks.retain(|_, at| is_same(*at, now));
        }
        if looks.len() >= KNOWN_MAX {
            looks.clear();
        }
        looks.insert(look(actor, event_id), now);
    }
}

fn look(actor: &Actor, event_id: &str) -> Look {
    (actor.name.clone(), actor.address, event_id.to_owned())
}

fn is_same(at: Millis, now: Millis) -> bool {
    now.since(at) < SAME
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_is_the_same_for_an_hour_and_another_s_is_another_one() {
        let (looks, ops) = (Looks::default(), Actor::from("ops"));
        assert!(!looks.has(&ops, "e1", Millis(0)));
        looks.note(&ops, "e1", Millis(0));
        let hour = i64::try_from(SAME.as_millis()).unwrap();
        for (now, same) in [(0, true), (hour - 1, true), (hour, false), (hour + 1, false)] {
            assert_eq!(looks.has(&ops, "e1", Millis(now)), same, "{now}");
        }
        let elsewhere = Actor { address: Some(IpAddr::from([192, 0, 2, 7])), ..ops.clone() };
        for (actor, event) in [(&ops, "e2"), (&Actor::from("view"), "e1"), (&elsewhere, "e1")] {
            assert!(!looks.has(actor, event, Millis(0)), "{actor:?} {event}");
        }
    }

    #[test]
    fn no_more_looks_are_kept_than_there_is_room_for() {
        let (looks, ops) = (Looks::default(), Actor::from("ops"));
        for number in 0..KNOWN_MAX {
            looks.note(&ops, &format!("e{number}"), Millis(0));
        }
        assert!(looks.has(&ops, "e0", Millis(0)));
        looks.note(&ops, "one more", Millis(0));
        assert!(looks.has(&ops, "one more", Millis(0)) && !looks.has(&ops, "e0", Millis(0)));
        assert_eq!(looks.0.lock().unwrap().len(), 1);
    }
}
