//! The few things that SQLite and PostgreSQL say differently.

/// Which of the two databases is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// Takes up to `$4` due turns that no other worker is taking right now, of which `$5` to `$6` runs were cut short.
    ///
    /// PostgreSQL skips rows that another replica has locked; the `array(…)` keeps its planner from running the
    /// limited subquery more than once. SQLite has one writer, so there is nobody to skip.
    pub(super) const fn claim(self) -> &'static str {
        match self {
            Self::Sqlite => {
                "update turns set due_at = $2, token = $3, cut_short = cut_short + 1 where contact_id in
                   (select contact_id from turns where due_at <= $1 and cut_short between $5 and $6
                    order by due_at, head_seq limit $4)
                 returning contact_id, head_seq, cut_short, parked_by"
            }
            Self::Postgres => {
                "update turns set due_at = $2, token = $3, cut_short = cut_short + 1 where contact_id = any (array
                   (select contact_id from turns where due_at <= $1 and cut_short between $5 and $6
                    order by due_at, head_seq limit $4 for update skip locked))
                 returning contact_id, head_seq, cut_short, parked_by"
            }
        }
    }

    /// Takes up to `$5` messages of the outbox that are due for `$1` at `$2`, as [`Dialect::claim`] takes turns.
    pub(super) const fn claim_messages(self) -> &'static str {
        match self {
            Self::Sqlite => {
                "update outbox set due_at = $3, token = $4, attempts = attempts + 1 where seq in
                   (select seq from outbox where target = $1 and due_at <= $2 order by due_at, seq limit $5)
                 returning *"
            }
            Self::Postgres => {
                "update outbox set due_at = $3, token = $4, attempts = attempts + 1 where seq = any (array
                   (select seq from outbox where target = $1 and due_at <= $2 order by due_at, seq limit $5
                    for update skip locked))
                 returning *"
            }
        }
    }

    /// Ends a `select` of rows to change, of which those that somebody else has in hand are left to him.
    pub(super) const fn skip_locked(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => " for update skip locked",
        }
    }

    /// Ends a `select` whose rows are to stay as they are until the transaction ends. SQLite's single writer needs none.
    pub(super) const fn for_update(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => " for update",
        }
    }

    /// A column in lower case, in which only ASCII letters have two cases: PostgreSQL takes many times as long for a text
    /// where it asks its locale for each letter.
    pub(super) fn lower(self, column: &str) -> String {
        match self {
            Self::Sqlite => format!("lower({column})"),
            Self::Postgres => format!("lower({column} collate \"C\")"),
        }
    }
}

/// `$3, $4, $5`: the arguments of an `in (…)` list.
pub(super) fn list(first: usize, count: usize) -> String {
    (first..first + count).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_numbered_from_its_first() {
        assert_eq!(list(3, 3), "$3, $4, $5");
        assert_eq!(list(1, 0), "");
    }
}
