//! What goes into a statement, and what comes out of it, alike for SQLite and PostgreSQL.

use serde_json::Value;
use sqlx::{Row as _, postgres::PgRow, sqlite::SqliteRow};

use super::StoreError;
use crate::{clock::Millis, json};

/// An argument of a statement.
#[derive(Debug, Clone)]
pub(super) enum Arg {
    Text(Option<String>),
    Int(Option<i64>),
}

impl Arg {
    /// As PostgreSQL can store it: its text cannot hold U+0000, which a JSON string and the ERP's words can; one such row
    /// must not fail its batch.
    pub(super) fn storable(self) -> Self {
        match self {
            Self::Text(Some(text)) if text.contains('\0') => Self::Text(Some(text.replace('\0', "\u{fffd}"))),
            other => other,
        }
    }
}

impl From<&str> for Arg {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<String> for Arg {
    fn from(text: String) -> Self {
        Self::Text(Some(text))
    }
}

impl From<Option<String>> for Arg {
    fn from(text: Option<String>) -> Self {
        Self::Text(text)
    }
}

impl From<Option<&str>> for Arg {
    fn from(text: Option<&str>) -> Self {
        Self::Text(text.map(str::to_owned))
    }
}

impl From<i64> for Arg {
    fn from(number: i64) -> Self {
        Self::Int(Some(number))
    }
}

impl From<Option<i64>> for Arg {
    fn from(number: Option<i64>) -> Self {
        Self::Int(number)
    }
}

impl From<bool> for Arg {
    fn from(flag: bool) -> Self {
        Self::Int(Some(i64::from(flag)))
    }
}

impl From<Millis> for Arg {
    fn from(moment: Millis) -> Self {
        Self::Int(Some(moment.0))
    }
}

impl From<Option<Millis>> for Arg {
    fn from(moment: Option<Millis>) -> Self {
        Self::Int(moment.map(|moment| moment.0))
    }
}

/// `args![a, b, c]`: the arguments of a statement, in the order of `$1`, `$2`, `$3`.
macro_rules! args {
    ($($value:expr),* $(,)?) => { vec![$($crate::store::values::Arg::from($value)),*] };
}
pub(super) use args;

/// A row of a result, read by column name.
pub(super) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl Row {
    /// A column that may be null.
    pub(super) fn opt_text(&self, column: &str) -> Result<Option<String>, StoreError> {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(column)?,
            Self::Postgres(row) => row.try_get(column)?,
        })
    }

    /// A column that is never null.
    pub(super) fn text(&self, column: &str) -> Result<String, StoreError> {
        Ok(self.opt_text(column)?.unwrap_or_default())
    }

    /// A number that may be null.
    pub(super) fn opt_int(&self, column: &str) -> Result<Option<i64>, StoreError> {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(column)?,
            Self::Postgres(row) => row.try_get(column)?,
        })
    }

    /// A number that is never null.
    pub(super) fn int(&self, column: &str) -> Result<i64, StoreError> {
        Ok(self.opt_int(column)?.unwrap_or_default())
    }

    /// A moment that may be null.
    pub(super) fn opt_millis(&self, column: &str) -> Result<Option<Millis>, StoreError> {
        Ok(self.opt_int(column)?.map(Millis))
    }

    /// A moment that is never null.
    pub(super) fn millis(&self, column: &str) -> Result<Millis, StoreError> {
        Ok(Millis(self.int(column)?))
    }

    /// JSON that may be null; what cannot be read is null too, so that one such row holds nobody else up: whoever needs it
    /// says that it is missing.
    pub(super) fn opt_json(&self, column: &str) -> Result<Option<Value>, StoreError> {
        Ok(self.opt_text(column)?.and_then(|text| json::parse_text(&text).ok()))
    }
}
