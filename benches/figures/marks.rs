//! What a benchmark writes into a document, between marks that name the command.

use std::path::Path;

use super::Outcome;

/// Replaces what stands between the marks of `command` in `document`, which lies in `docs/`.
pub(crate) fn write(document: &str, command: &str, text: &str) -> Outcome<()> {
    let (begin, end) =
        (format!("<!-- written by {command}: begin -->\n"), format!("<!-- written by {command}: end -->\n"));
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(document);
    let old = std::fs::read_to_string(&file)?;
    let parts = old.split_once(&begin).and_then(|(before, rest)| Some((before, rest.split_once(&end)?.1)));
    let (before, after) = parts.ok_or_else(|| format!("docs/{document} has lost the marks of {command}"))?;
    std::fs::write(&file, format!("{before}{begin}\n{text}\n{end}{after}"))?;
    Ok(())
}
