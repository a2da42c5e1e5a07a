//! The few things that SQLite and PostgreSQL say differently.

use super::{
    StoreError,
    db::{Arg, Tx, args},
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
        if self == Self::Sqlite || contacts.is_empty() {
            return Ok(());
        }
        debug_assert!(contacts.is_sorted());
        for chunk in contacts.chunks(64) {
            let values = placeholders(1, chunk.len(), 1);
            let sql = format!(
                "select pg_advisory_xact_lock(hashtextextended(locked.id, 7)) is null as done
                 from (values {values}) as locked (id)"
            );
            tx.fetch(sql, chunk.iter().map(|contact| Arg::from(*contact)).collect()).await?;
        }
        Ok(())
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

/// `($1, $2), ($3, $4)`: `rows` tuples of `columns` arguments, numbered from `first`.
pub(super) fn placeholders(first: usize, rows: usize, columns: usize) -> String {
    let mut text = String::with_capacity(rows * columns * 5);
    for row in 0..rows {
        text.push_str(if row == 0 { "(" } else { ", (" });
        for column in 0..columns {
            if column > 0 {
                text.push_str(", ");
            }
            text.push('$');
            text.push_str(&(first + row * columns + column).to_string());
        }
        text.push(')');
    }
    text
}

/// `$3, $4, $5`: the arguments of an `in (…)` list.
pub(super) fn list(first: usize, count: usize) -> String {
    (first..first + count).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_number_row_by_row() {
        assert_eq!(placeholders(1, 2, 2), "($1, $2), ($3, $4)");
        assert_eq!(placeholders(4, 1, 3), "($4, $5, $6)");
        assert_eq!(list(3, 3), "$3, $4, $5");
    }
}
