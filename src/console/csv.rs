//! Rows as a CSV that a spreadsheet opens: UTF-8 with a byte order mark, and no cell that it would calculate.

use axum::{
    http::header,
    response::{IntoResponse, Response},
};

use super::fault::Fault;
use crate::{clock::Millis, http::problem::Problem, telemetry::printable::cell};

/// Rows of a file at most.
pub(super) const ROWS_MAX: i64 = 10_000;

/// The rows of a file.
pub(super) struct Rows<R> {
    /// A line each, at most [`ROWS_MAX`].
    pub(super) rows: R,
    /// What the last line says where there are more than that, in the first cell.
    pub(super) cut: Option<&'static str>,
}

/// A file to be saved as `name-2026-11-23.csv`, or as `name-2026-11-23-first-10000.csv` where it is not all.
///
/// # Errors
/// [`Problem::Internal`], which writing to memory cannot cause.
pub(super) fn file<const N: usize>(
    name: &str,
    now: Millis,
    head: [&str; N],
    Rows { mut rows, cut }: Rows<impl Iterator<Item = [String; N]>>,
) -> Result<Response, Fault> {
    let inner = Vec::from("\u{feff}");
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(inner);
    let mut last = [""; N];
    last[0] = cut.unwrap_or_default();
    let written = writer.write_record(head).and_then(|()| rows.try_for_each(|row| writer.write_record(row.map(cell))));
    let written = written.and_then(|()| if cut.is_some() { writer.write_record(last) } else { Ok(()) });
    let bytes: Vec<u8> = written.ok().and_then(|()| writer.into_inner().ok()).ok_or(Problem::Internal)?;
    let now = now.erp_local();
    let date = now.split(' ').next().unwrap_or_default();
    let part = if cut.is_some() { format!("-first-{ROWS_MAX}") } else { String::new() };
    let disposition = format!("attachment; filename=\"{name}-{date}{part}.csv\"");
    let headers =
        [(header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, disposition)];
    Ok((headers, bytes).into_response())
}
