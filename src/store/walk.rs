//! The rows of a whole table, counted a slice at a time in the order of their key: one more slice costs the same however many rows
//! there are. What was counted last stands until the next count has come to its end.

use super::{
    StoreError,
    db::{Arg, Db, Row},
};

/// Rows that one statement counts; a table with fewer is counted anew each time.
const SLICE: i64 = 20_000;
/// Slices in a row while a table was never counted whole.
const FIRST_SLICES: usize = 50;

/// A table that is counted.
#[derive(Debug, Clone, Copy)]
pub(super) enum Table {
    Contacts,
    Rejections,
}

impl Table {
    /// So many rows behind a key, and the last of their keys.
    const fn slice(self) -> &'static str {
        match self {
            Self::Contacts => {
                "select count(*) as count, max(contact_id) as last from
                    (select contact_id from contacts where contact_id > $1 order by contact_id limit $2) as slice"
            }
            Self::Rejections => {
                "select count(*) as count, max(seq) as last from
                    (select seq from rejections where seq > $1 order by seq limit $2) as slice"
            }
        }
    }

    /// What stands before every key.
    fn beginning(self) -> Arg {
        match self {
            Self::Contacts => "".into(),
            Self::Rejections => i64::MIN.into(),
        }
    }

    fn last(self, row: &Row) -> Result<Arg, StoreError> {
        Ok(match self {
            Self::Contacts => row.text("last")?.into(),
            Self::Rejections => row.int("last")?.into(),
        })
    }
}

/// The count of a table's rows.
#[derive(Debug)]
pub(super) struct Walk {
    table: Table,
    after: Arg,
    so_far: i64,
    whole: Option<i64>,
}

impl Walk {
    /// Nothing is counted yet.
    pub(super) fn of(table: Table) -> Self {
        Self { table, after: table.beginning(), so_far: 0, whole: None }
    }

    /// Counts one slice more, or the first time as many as there are within bounds; answers how many rows there are, as far as that
    /// is known.
    pub(super) async fn go_on(&mut self, db: &Db) -> Result<i64, StoreError> {
        for _ in 0..FIRST_SLICES {
            self.count_slice(db).await?;
            if self.whole.is_some() {
                break;
            }
        }
        Ok(self.whole.unwrap_or(self.so_far))
    }

    async fn count_slice(&mut self, db: &Db) -> Result<(), StoreError> {
        let rows = db.read(self.table.slice(), vec![self.after.clone(), SLICE.into()]).await?;
        let Some(row) = rows.first() else { return Ok(()) };
        let count = row.int("count")?;
        self.so_far += count;
        if count == SLICE {
            self.after = self.table.last(row)?;
        } else {
            *self = Self { whole: Some(self.so_far), ..Self::of(self.table) };
        }
        Ok(())
    }
}
