//! What a person decided about an event: the column `events.resolution`, written and read here alone.

use serde_json::Value;

use super::{ContactRow, EventRow, StepRow};
use crate::{clock::Millis, json};

/// What a person decided about an event that `needs_review`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "decision", rename_all = "snake_case")]
pub enum Resolution {
    /// The step in question took effect.
    Done,
    /// It did not; send it again.
    Resend,
    /// The contact is none of the ERP's customers: a new one.
    Recreate,
    /// What is planned and not done is planned anew: the event was corrected, or the configuration.
    PlanAnew,
    /// Nothing is decided any more but who the contact is not: what was decided besides was carried out.
    NoneOf,
    /// The contact is this customer.
    Link {
        /// The customer's `ord`.
        ord: i64,
    },
}

/// A decision as the ledger keeps it. Rows that were written before lack what they knew nothing of.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Decided {
    /// What was decided.
    #[serde(flatten)]
    pub resolution: Resolution,
    /// The step that it was asked for: it counts for no other. `None`: it is about the event as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// The customers in question, where the contact is none of them; `None`: none were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<Vec<i64>>,
    /// When it was decided that the contact is none of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Millis>,
    /// How the contact was linked then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub under: Option<Under>,
}

/// A contact's link as it was once, or that it had none. Whoever links the contact writes another one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Under {
    /// The customer.
    pub ord: Option<i64>,
    /// Since when, by the clock of whoever linked it.
    pub since: Option<Millis>,
}

impl From<Option<&ContactRow>> for Under {
    fn from(row: Option<&ContactRow>) -> Self {
        Self { ord: row.map(|row| row.link.ord), since: row.map(|row| row.linked_at) }
    }
}

impl EventRow {
    /// What a person decided about it, and counts; a decision that cannot be read is none.
    pub fn decided(&self) -> Option<Decided> {
        self.resolution.as_ref().and_then(Decided::read)
    }
}

impl Decided {
    pub(super) fn read(column: &Value) -> Option<Self> {
        json::from_value(column).ok()
    }

    /// A decision on a review: with the step that it was asked for, and for a new customer with those that it was decided
    /// against, now and `before`, and with the time and the link of its contact.
    pub(super) fn given(
        resolution: Resolution,
        review: Option<&Value>,
        before: Option<Self>,
        (now, under): (Millis, Under),
    ) -> Self {
        let step = review.and_then(|review| review["step"].as_str()).map(str::to_owned);
        let before = before.and_then(|before| before.refused);
        let refused = match resolution {
            Resolution::Recreate => refused_now(review, before),
            // Whoever is named now is refused no more.
            Resolution::Link { ord } => before.map(|refused| without(refused, ord)),
            Resolution::Done | Resolution::Resend | Resolution::PlanAnew | Resolution::NoneOf => before,
        };
        let is_new = resolution == Resolution::Recreate;
        Self { resolution, step, refused, at: is_new.then_some(now), under: is_new.then_some(under) }
    }

    /// What stays of a decision when its event goes on by no other: that a correction is yet to be planned outlives a replay,
    /// and so does that the contact is none of the customers that were in question.
    pub(super) fn kept(before: Option<Self>, plans_anew: bool) -> Option<Self> {
        if plans_anew || before.as_ref().is_some_and(|before| before.resolution == Resolution::PlanAnew) {
            let refused = before.and_then(|before| before.refused);
            return Some(Self { resolution: Resolution::PlanAnew, step: None, refused, at: None, under: None });
        }
        before.filter(|before| matches!(before.resolution, Resolution::Recreate | Resolution::NoneOf))
    }

    /// What is left of a decision that was carried out while its contact is not linked yet: who it is not.
    pub(super) fn used_up(self) -> Option<Self> {
        let refused = self.refused.filter(|refused| !refused.is_empty())?;
        let resolution = Resolution::NoneOf;
        Some(Self { resolution, step: None, refused: Some(refused), at: None, under: None })
    }

    /// Whether somebody has said since who the contact is: that it is new is over then. Its link is another one than it was,
    /// whatever the clocks say of which came first: they are those of several replicas.
    pub fn is_over(&self, link: Option<&ContactRow>) -> bool {
        let Some(link) = link.filter(|_| self.resolution == Resolution::Recreate) else { return false };
        match self.under {
            Some(under) => under != Under::from(Some(link)),
            // Rows that were written before have only the time.
            None => self.at.is_some_and(|at| link.linked_at > at),
        }
    }

    /// Whether it is about this step: made for one, it says nothing of any other.
    pub fn is_for(&self, row: &StepRow) -> bool {
        self.step.as_ref().is_none_or(|step| *step == row.name)
    }
}

/// The customers that a new one is not, those refused before among them. Where no customer is in question now, there is none
/// to be told from others that may be found: it is a new one.
fn refused_now(review: Option<&Value>, before: Option<Vec<i64>>) -> Option<Vec<i64>> {
    let review = review?;
    let candidates = review["candidates"].as_array().into_iter().flatten();
    let mut refused: Vec<i64> = candidates.chain([review]).filter_map(|customer| customer["ord"].as_i64()).collect();
    if refused.is_empty() {
        return None;
    }
    refused.extend(before.unwrap_or_default());
    Some(refused)
}

fn without(mut refused: Vec<i64>, named: i64) -> Vec<i64> {
    refused.retain(|ord| *ord != named);
    refused
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::event::{Link, LinkKind, LinkedBy};

    const NOW: (Millis, Under) = (Millis(9), Under { ord: None, since: None });

    fn read(value: &Value) -> Decided {
        json::from_value(value).unwrap()
    }

    #[test]
    fn what_was_written_before_is_read_as_it_was_meant() {
        let plain = |resolution| Decided { resolution, step: None, refused: None, at: None, under: None };
        let but = |resolution, ords: &[i64]| Decided { refused: Some(ords.to_vec()), ..plain(resolution) };
        let (recreate, at) = (Resolution::Recreate, Some(Millis(5)));
        let done = Decided { step: Some("progress:2".into()), ..plain(Resolution::Done) };
        for (old, expected) in [
            (json!({ "decision": "done", "step": "progress:2" }), done),
            (json!({ "decision": "resend", "step": null }), plain(Resolution::Resend)),
            (json!({ "decision": "link", "ord": 9, "refused": [7] }), but(Resolution::Link { ord: 9 }, &[7])),
            (json!({ "decision": "plan_anew", "refused": [7] }), but(Resolution::PlanAnew, &[7])),
            (json!({ "decision": "recreate" }), plain(recreate)),
            (json!({ "decision": "recreate", "refused": [7, 8] }), but(recreate, &[7, 8])),
            (json!({ "decision": "recreate", "refused": [7], "at": 5 }), Decided { at, ..but(recreate, &[7]) }),
            (json!({ "decision": "recreate", "refused": null, "at": 5 }), Decided { at, ..plain(recreate) }),
        ] {
            let decided = read(&old);
            assert_eq!(decided, expected, "{old}");
            assert_eq!(read(&json!(decided)), expected, "{old}");
        }
        let written = json!(Decided { at, ..but(recreate, &[7]) });
        assert_eq!(written, json!({ "decision": "recreate", "refused": [7], "at": 5 }));
    }

    #[test]
    fn that_a_contact_is_new_is_over_with_another_link_whatever_the_clocks_say() {
        let row = |ord, at| ContactRow {
            contact_id: "c1".into(),
            link: Link { ord, khid: "K1".into(), kind: LinkKind::Person, linked_by: LinkedBy::Operator },
            linked_at: Millis(at),
        };
        let decided = |at: i64, under: Option<&ContactRow>| {
            Decided::given(Resolution::Recreate, None, None, (Millis(at), under.into()))
        };
        for linked_at in [1, 5, 9] {
            assert!(decided(5, None).is_over(Some(&row(7, linked_at))), "{linked_at}");
            let before = row(7, linked_at);
            assert!(!decided(5, Some(&before)).is_over(Some(&before)), "{linked_at}: it was linked like that");
            assert!(decided(5, Some(&before)).is_over(Some(&row(8, linked_at))), "{linked_at}: to another one");
        }
        assert!(decided(5, Some(&row(7, 1))).is_over(Some(&row(7, 6))), "once more to the same one");
        assert!(!decided(5, Some(&row(7, 1))).is_over(None), "nobody says who it is");
        let old = read(&json!({ "decision": "recreate", "refused": [7], "at": 5 }));
        assert_eq!([4, 5, 6].map(|at| old.is_over(Some(&row(7, at)))), [false, false, true]);
        let link = read(&json!({ "decision": "link", "ord": 7 }));
        assert!(!link.is_over(Some(&row(8, 9))), "who it is stays said");
    }

    #[test]
    fn a_new_customer_is_none_of_those_in_question_nor_of_those_before() {
        let review = json!({ "step": "link:1", "candidates": [{ "ord": 7 }, { "ord": 8 }], "ord": 3 });
        let first = Decided::given(Resolution::Recreate, Some(&review), None, NOW);
        assert_eq!((first.step.as_deref(), first.at.zip(first.under)), (Some("link:1"), Some(NOW)));
        assert_eq!(first.refused, Some(vec![7, 8, 3]));
        let second = json!({ "candidates": [{ "ord": 9 }] });
        let second = Decided::given(Resolution::Recreate, Some(&second), Some(first.clone()), NOW);
        assert_eq!(second.refused, Some(vec![9, 7, 8, 3]));
        let too_many = json!({ "too_many": "…" });
        let third = Decided::given(Resolution::Recreate, Some(&too_many), Some(second), NOW);
        assert_eq!(third.refused, None, "nobody is in question");
        let named = Decided::given(Resolution::Link { ord: 8 }, Some(&too_many), Some(first.clone()), NOW);
        assert_eq!(
            (named.refused, named.at, named.under),
            (Some(vec![7, 3]), None, None),
            "who is named is refused no more"
        );
        let done = Decided::given(Resolution::Done, Some(&too_many), Some(first), NOW);
        assert_eq!(done.refused, Some(vec![7, 8, 3]));
    }

    #[test]
    fn a_replay_keeps_that_a_contact_is_new_and_that_a_plan_is_to_be_made_and_nothing_else() {
        let recreate = read(&json!({ "decision": "recreate", "step": "a", "refused": [7], "at": 5 }));
        assert_eq!(Decided::kept(Some(recreate.clone()), false), Some(recreate.clone()));
        let anew = read(&json!({ "decision": "plan_anew", "refused": [7] }));
        assert_eq!(Decided::kept(Some(recreate), true), Some(anew.clone()));
        assert_eq!(Decided::kept(Some(anew.clone()), false), Some(anew));
        for over in [json!({ "decision": "link", "ord": 7 }), json!({ "decision": "done" })] {
            assert_eq!(Decided::kept(Some(read(&over)), false), None, "{over}");
        }
        assert_eq!(Decided::kept(None, false), None);
    }

    #[test]
    fn who_was_refused_stays_refused_when_another_decision_is_used_up() {
        for (used, refused) in [
            (json!({ "decision": "plan_anew", "refused": [7] }), Some(vec![7])),
            (json!({ "decision": "resend", "step": "save", "refused": [7, 8] }), Some(vec![7, 8])),
            (json!({ "decision": "resend", "step": "save", "refused": [] }), None),
            (json!({ "decision": "done", "step": "save" }), None),
        ] {
            let left = read(&used).used_up();
            let resolution = Resolution::NoneOf;
            let expected = refused.map(|refused| Decided {
                resolution,
                step: None,
                refused: Some(refused),
                at: None,
                under: None,
            });
            assert_eq!(left, expected, "{used}");
            assert_eq!(Decided::kept(left.clone(), false), left, "{used}");
        }
    }
}
