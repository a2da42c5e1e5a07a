//! Which of the senders' own numbers (`data.sequence`) are missing: kept contact by contact as events are counted, so that
//! nobody has to look through all of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{
    Store, StoreError,
    bulk::Insert,
    db::{Arg, Tx, args},
    dialect::list,
};
use crate::clock::Millis;

/// Gaps that are kept of one contact; the lowest are forgotten first.
const GAPS_OF_CONTACT: usize = 100;
/// Gaps that are named at most.
const GAPS_SHOWN: i64 = 100;
/// Contacts that one statement names.
const ASKED: usize = 64;
const SEQUENCES: Insert = Insert {
    into: "sequences (contact_id, lowest, highest)",
    then: "on conflict (contact_id) do update set lowest = excluded.lowest, highest = excluded.highest",
};
const GAPS: Insert = Insert {
    into: "sequence_gaps (contact_id, after_number, before_number, found_at)",
    then: "on conflict (contact_id, after_number) do nothing",
};

/// Missing numbers of a contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Whose events.
    pub contact_id: String,
    /// Last number before the gap.
    pub after: i64,
    /// First number behind it.
    pub before: i64,
}

impl Store {
    /// Contacts whose numbered events have gaps, as far as events are counted; a hundred gaps at most.
    pub async fn gaps(&self) -> Result<Vec<Gap>, StoreError> {
        let sql = "select contact_id, after_number, before_number from sequence_gaps
                   order by contact_id, after_number limit $1";
        let rows = self.db.read(sql, args![GAPS_SHOWN]).await?;
        let gap = |row: &super::db::Row| {
            let (after, before) = (row.int("after_number")?, row.int("before_number")?);
            Ok(Gap { contact_id: row.text("contact_id")?, after, before })
        };
        rows.iter().map(gap).collect()
    }
}

/// Takes note of numbers, in the order in which they came.
pub(super) async fn note(tx: &mut Tx, numbers: &[(String, i64)], now: Millis) -> Result<(), StoreError> {
    let contacts: BTreeSet<&str> = numbers.iter().map(|(contact, _)| contact.as_str()).collect();
    let contacts: Vec<&str> = contacts.into_iter().collect();
    let mut known = read(tx, &contacts).await?;
    let mut had_gaps = BTreeSet::new();
    for (contact, number) in numbers {
        match known.get_mut(contact.as_str()) {
            None => drop(known.insert(contact.clone(), Numbers::first(*number))),
            Some(before) => {
                if !before.gaps.is_empty() {
                    had_gaps.insert(contact.as_str());
                }
                before.see(*number);
            }
        }
    }
    for contacts in had_gaps.into_iter().collect::<Vec<_>>().chunks(ASKED) {
        let sql = format!("delete from sequence_gaps where contact_id in ({})", list(1, contacts.len()));
        tx.execute(sql, contacts.iter().map(|contact| Arg::from(*contact)).collect()).await?;
    }
    let (mut sequences, mut gaps) = (Vec::with_capacity(contacts.len()), Vec::new());
    for contact in contacts {
        let Some(numbers) = known.get(contact) else { continue };
        sequences.push([contact.into(), numbers.lowest.into(), numbers.highest.into()]);
        let of_contact = numbers.gaps.iter();
        gaps.extend(of_contact.map(|(after, (before, found_at))| {
            [contact.into(), (*after).into(), (*before).into(), found_at.unwrap_or(now).into()]
        }));
    }
    SEQUENCES.run(tx, sequences).await?;
    GAPS.run(tx, gaps).await.map(drop)
}

async fn read(tx: &mut Tx, contacts: &[&str]) -> Result<HashMap<String, Numbers>, StoreError> {
    let mut known = HashMap::with_capacity(contacts.len());
    for contacts in contacts.chunks(ASKED) {
        let (these, args) = (list(1, contacts.len()), || contacts.iter().map(|contact| Arg::from(*contact)).collect());
        for row in tx.fetch(format!("select * from sequences where contact_id in ({these})"), args()).await? {
            let (lowest, highest) = (row.int("lowest")?, row.int("highest")?);
            known.insert(row.text("contact_id")?, Numbers { lowest, highest, gaps: BTreeMap::new() });
        }
        for row in tx.fetch(format!("select * from sequence_gaps where contact_id in ({these})"), args()).await? {
            if let Some(numbers) = known.get_mut(&row.text("contact_id")?) {
                let found_at = Some(row.millis("found_at")?);
                numbers.gaps.insert(row.int("after_number")?, (row.int("before_number")?, found_at));
            }
        }
    }
    Ok(known)
}

/// The numbers of one contact that came so far.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Numbers {
    lowest: i64,
    highest: i64,
    /// Last number before a gap → first one behind it, and when the gap was found; `None` for now.
    gaps: BTreeMap<i64, (i64, Option<Millis>)>,
}

impl Numbers {
    const fn first(number: i64) -> Self {
        Self { lowest: number, highest: number, gaps: BTreeMap::new() }
    }

    /// One more came; what comes late closes its gap.
    fn see(&mut self, number: i64) {
        if number > self.highest {
            self.missing(self.highest, number, None);
            self.highest = number;
        } else if number < self.lowest {
            self.missing(number, self.lowest, None);
            self.lowest = number;
        } else if let Some((&after, &(before, found_at))) = self.gaps.range(..number).next_back()
            && number < before
        {
            self.gaps.remove(&after);
            self.missing(after, number, found_at);
            self.missing(number, before, found_at);
        }
        while self.gaps.len() > GAPS_OF_CONTACT {
            self.gaps.pop_first();
        }
    }

    fn missing(&mut self, after: i64, before: i64, found_at: Option<Millis>) {
        if after.checked_add(1) != Some(before) {
            self.gaps.insert(after, (before, found_at));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seen(numbers: &[i64]) -> Vec<(i64, i64)> {
        let mut known = Numbers::first(numbers[0]);
        numbers[1..].iter().for_each(|number| known.see(*number));
        known.gaps.iter().map(|(after, (before, _))| (*after, *before)).collect()
    }

    #[test]
    fn a_gap_is_between_two_numbers_and_closes_when_what_is_missing_comes() {
        type Case<'a> = (&'a [i64], &'a [(i64, i64)]);
        let table: [Case<'_>; 8] = [
            (&[1, 2, 3], &[]),
            (&[1, 2, 5], &[(2, 5)]),
            (&[1, 2, 5, 4], &[(2, 4)]),
            (&[1, 2, 5, 4, 3], &[]),
            (&[1, 9, 5], &[(1, 5), (5, 9)]),
            (&[7, 3], &[(3, 7)]),
            (&[7, 7, 8, 7], &[]),
            (&[0, i64::MAX, i64::MAX], &[(0, i64::MAX)]),
        ];
        for (numbers, gaps) in table {
            assert_eq!(seen(numbers), gaps, "{numbers:?}");
        }
    }

    #[test]
    fn of_one_contact_the_last_hundred_gaps_are_kept() {
        let every_other: Vec<i64> = (0..=100).map(|number| number * 2).collect();
        assert_eq!(seen(&every_other).len(), GAPS_OF_CONTACT);
        let one_more: Vec<i64> = (0..=101).map(|number| number * 2).collect();
        let gaps = seen(&one_more);
        assert_eq!((gaps.len(), gaps[0]), (GAPS_OF_CONTACT, (2, 4)), "the lowest went");
    }

    proptest! {
        #[test]
        fn whatever_order_numbers_come_in_the_gaps_are_those_of_the_sorted_numbers(
            numbers in prop::collection::vec(0..60_i64, 1..60)
        ) {
            let sorted: Vec<i64> = numbers.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
            let expected: Vec<_> =
                sorted.windows(2).filter(|pair| pair[1] - pair[0] > 1).map(|pair| (pair[0], pair[1])).collect();
            prop_assert_eq!(seen(&numbers), expected);
        }
    }
}
