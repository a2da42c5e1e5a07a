//! Rows as a CSV that a spreadsheet opens: UTF-8 with a byte order mark, and no cell that it would calculate.

use axum::{
    http::header,
    response::{IntoResponse, Response},
};

use super::fault::Fault;
use crate::{clock::Millis, http::problem::Problem, telemetry::printable::cell};

/// Rows of a file at most.
pub(super) const ROWS_MAX: i64 = 10_000;

/// A file to be saved as `name-2026-11-23.csv`.
///
/// # Errors
/// [`Problem::Internal`], which writing to memory cannot cause.
pub(super) fn file<const N: usize>(
    name: &str,
    now: Millis,
    head: [&str; N],
    mut rows: impl Iterator<Item = [String; N]>,
) -> Result<Response, Fault> {
    let inner = Vec::from("\u{feff}");
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(inner);
    let written = writer.write_record(head).and_then(|()| rows.try_for_each(|row| writer.write_record(row.map(cell))));
    let bytes: Vec<u8> = written.ok().and_then(|()| writer.into_inner().ok()).ok_or(Problem::Internal)?;
    let now = now.erp_local();
    let date = now.split(' ').next().unwrap_or_default();
    let disposition = format!("attachment; filename=\"{name}-{date}.csv\"");
    let headers =
        [(header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, disposition)];
    Ok((headers, bytes).into_response())
}
