//! Many rows, or questions about many, in few statements: what a batch of the door costs is counted in statements, not in rows.

use serde_json::Value;
use sqlx::{AssertSqlSafe, postgres::PgArguments, query::Query};

use super::{
    StoreError,
    db::{Arg, Row, Tx},
    dialect::list,
};

/// Rows of one statement on SQLite. The rest of a batch is cut into powers of two, so that few statements are prepared.
const ROWS: usize = 64;
/// Values of one question; more are asked for in several.
const ASKED: usize = 64;

/// An `insert` of rows that all have the same shape.
pub(super) struct Insert {
    /// `events (id, kind)`: the table and its columns.
    pub(super) into: &'static str,
    /// What stands behind the rows: `on conflict …`, `returning …`.
    pub(super) then: &'static str,
}

impl Insert {
    /// Inserts `rows`, each with one value a column, in their order; answers what `returning` names.
    pub(super) async fn run<const N: usize>(&self, tx: &mut Tx, rows: Vec<[Arg; N]>) -> Result<Vec<Row>, StoreError> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let Some((conn, until)) = tx.postgres() else { return self.in_chunks(tx, rows).await };
        let found = conn.fetch_all(until, self.by_columns(rows)?).await?;
        Ok(found.into_iter().map(Row::Postgres).collect())
    }

    async fn in_chunks<const N: usize>(&self, tx: &mut Tx, mut rows: Vec<[Arg; N]>) -> Result<Vec<Row>, StoreError> {
        let mut found = Vec::new();
        while !rows.is_empty() {
            let rest = rows.split_off(ROWS.min(1 << rows.len().ilog2()));
            let sql = format!("insert into {} values {} {}", self.into, placeholders(rows.len(), N), self.then);
            found.extend(tx.fetch(sql, rows.into_iter().flatten().collect()).await?);
            rows = rest;
        }
        Ok(found)
    }

    /// One statement with an array for each column: PostgreSQL takes the rows out of them in their order.
    fn by_columns<const N: usize>(
        &self,
        rows: Vec<[Arg; N]>,
    ) -> Result<Query<'static, sqlx::Postgres, PgArguments>, StoreError> {
        let columns = by_column(rows)?;
        let sql = format!("insert into {} select * from unnest({}) {}", self.into, arrays(&columns), self.then);
        Ok(bound(sql, columns))
    }
}

/// A statement about rows that stand before it as a table of their own, `given`.
pub(super) struct Many<'a> {
    /// The columns of that table: `event, place`.
    pub(super) columns: &'a str,
    /// What is done with it: `update steps set … from given where …`.
    pub(super) run: &'a str,
}

impl Many<'_> {
    /// Runs the statement for `rows`, each with one value a column; answers what it returns.
    pub(super) async fn run<const N: usize>(&self, tx: &mut Tx, rows: Vec<[Arg; N]>) -> Result<Vec<Row>, StoreError> {
        let Self { columns: names, run } = self;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        if let Some((conn, until)) = tx.postgres() {
            let columns = by_column(rows)?;
            let sql = format!("with given ({names}) as (select * from unnest({})) {run}", arrays(&columns));
            let rows = conn.fetch_all(until, bound(sql, columns)).await?;
            return Ok(rows.into_iter().map(Row::Postgres).collect());
        }
        let values: Vec<String> = (0..N).map(|column| format!("value ->> {column}")).collect();
        let sql = format!("with given ({names}) as (select {} from json_each(?)) {run}", values.join(", "));
        tx.fetch(sql, vec![as_json(rows).to_string().into()]).await
    }
}

/// Rows as one argument: SQLite takes them out of it, as numbers, texts and nulls.
fn as_json<const N: usize>(rows: Vec<[Arg; N]>) -> Value {
    let value = |arg: Arg| match arg.storable() {
        Arg::Text(text) => Value::from(text),
        Arg::Int(number) => Value::from(number),
    };
    rows.into_iter().map(|row| Value::from_iter(row.into_iter().map(value))).collect()
}

/// The values of rows, column by column.
pub(super) fn by_column<const N: usize>(rows: Vec<[Arg; N]>) -> Result<[Column; N], StoreError> {
    let mut columns: [Column; N] = std::array::from_fn(|column| Column::like(&rows[0][column], rows.len()));
    for (column, value) in rows.into_iter().flat_map(|row| (0..N).zip(row)) {
        columns[column].push(value)?;
    }
    Ok(columns)
}

/// `$1::text[], $2::bigint[]`.
pub(super) fn arrays(columns: &[Column]) -> String {
    let arrays: Vec<_> = (1..).zip(columns).map(|(number, column)| format!("${number}::{}", column.kind())).collect();
    arrays.join(", ")
}

/// A statement with the columns as its first arguments.
pub(super) fn bound<const N: usize>(sql: String, columns: [Column; N]) -> Query<'static, sqlx::Postgres, PgArguments> {
    columns.into_iter().fold(sqlx::query(AssertSqlSafe(sql)), |query, column| match column {
        Column::Text(values) => query.bind(values),
        Column::Int(values) => query.bind(values),
    })
}

/// `(?, ?), (?, ?)`: `rows` tuples of `columns` arguments. They have no numbers, each of which would be looked up as a name.
fn placeholders(rows: usize, columns: usize) -> String {
    let row = format!("({})", vec!["?"; columns].join(", "));
    vec![row; rows].join(", ")
}

/// The values of one column.
pub(super) enum Column {
    Text(Vec<Option<String>>),
    Int(Vec<Option<i64>>),
}

impl Column {
    fn like(value: &Arg, rows: usize) -> Self {
        match value {
            Arg::Text(_) => Self::Text(Vec::with_capacity(rows)),
            Arg::Int(_) => Self::Int(Vec::with_capacity(rows)),
        }
    }

    /// Adds a value, which must be of the column's kind.
    fn push(&mut self, value: Arg) -> Result<(), StoreError> {
        match (self, value.storable()) {
            (Self::Text(values), Arg::Text(text)) => values.push(text),
            (Self::Int(values), Arg::Int(number)) => values.push(number),
            // Without the value, which may be a payload.
            _ => return Err(StoreError::Unavailable("a value stands in a column of another kind".to_owned())),
        }
        Ok(())
    }

    const fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "text[]",
            Self::Int(_) => "bigint[]",
        }
    }
}

/// The arguments and the `in (…)` list of each question about so many values. The last one is filled up by repeating its
/// last value, so that few statements are prepared.
pub(super) fn lists(values: &[&str]) -> impl Iterator<Item = (Vec<Arg>, String)> {
    values.chunks(ASKED).map(|chunk| {
        let padded = chunk.len().next_power_of_two();
        let args = (0..padded).map(|index| Arg::from(chunk[index.min(chunk.len() - 1)])).collect();
        (args, list(1, padded))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_stand_row_by_row() {
        assert_eq!(placeholders(2, 3), "(?, ?, ?), (?, ?, ?)");
        assert_eq!(placeholders(1, 1), "(?)");
    }
}
