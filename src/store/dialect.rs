//! The few things that SQLite and PostgreSQL say differently.

use super::{
    StoreError,
    db::{Tx, args},
};

/// Which of the two databases is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// Takes up to `$4` due turns that no other worker is taking right now.
    ///
    /// PostgreSQL skips rows that another replica has locked; the `array(…)` keeps its planner from running the
    /// limited subquery more than once. SQLite has one writer, so there is nobody to skip.
    pub(super) const fn claim(self) -> &'static str {
        match self {
            Self::Sqlite => {
                "update turns set due_at = $2, token = $3 where contact_id in
                   (select contact_id from turns where due_at <= $1 order by due_at, head_seq limit $4)
                 returning contact_id, head_seq"
            }
            Self::Postgres => {
                "update turns set due_at = $2, token = $3 where contact_id = any (array
                   (select contact_id from turns where due_at <= $1 order by due_at, head_seq limit $4
                    for update skip locked))
                 returning contact_id, head_seq"
            }
        }
    }

    /// Whoever changes a contact's turn, link or held events holds this lock until its transaction ends; `contacts`
    /// must be sorted, so that two transactions never wait for each other. SQLite's single writer is its own lock.
    pub(super) async fn lock_contacts(self, tx: &mut Tx, contacts: &[&str]) -> Result<(), StoreError> {
        let Some((line, until)) = tx.postgres() else { return Ok(()) };
        debug_assert!(contacts.is_sorted());
        let contacts: Vec<String> = contacts.iter().map(ToString::to_string).collect();
        let locks =
            "select count(pg_advisory_xact_lock(hashtextextended(id, 7))) from unnest($1::text[]) as contacts (id)";
        line.execute(until, sqlx::query(locks).bind(contacts)).await.map(drop)
    }

    /// Ends a `select` whose rows are to stay as they are until the transaction ends. SQLite's single writer needs none.
    pub(super) const fn for_update(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => " for update",
        }
    }

    /// Bytes that the database takes on its disk.
    pub(super) const fn size(self) -> &'static str {
        match self {
            Self::Sqlite => "select page_count * page_size as bytes from pragma_page_count(), pragma_page_size()",
            Self::Postgres => "select pg_database_size(current_database()) as bytes",
        }
    }

    /// Takes the write lock of the whole ledger and lets it go again: proof that it can be written now.
    pub(super) async fn prove_writable(self, tx: &mut Tx) -> Result<(), StoreError> {
        if self == Self::Postgres {
            let row =
                tx.fetch_first("select case when pg_is_in_recovery() then 1 else 0 end::bigint as standby", args![]);
            if row.await?.is_some_and(|row| row.int("standby").unwrap_or(1) == 1) {
                return Err(StoreError::Unavailable("the server is a standby and takes no writes".into()));
            }
        }
        Ok(())
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
