//! What became of the contacts as a CSV that a spreadsheet opens: UTF-8 with a byte order mark, and no cell that it would
//! calculate. It has the columns of a file of contacts, so that it can be completed (`erp_ord`) and adopted again.

use std::{
    fs::{File, OpenOptions},
    io::Write,
    path::Path,
};

use serde_json::{Map, Value};

use crate::{
    event::Candidate,
    http::AdoptedContact,
    os,
    telemetry::printable::{FORMULAS, cell},
};

/// The columns behind those of a contact.
pub(super) const RESULTS: [&str; 7] =
    ["line", "outcome", "matched_by", "kind", "customer_name", "candidates", "message"];

/// The file.
pub(super) struct Spreadsheet(csv::Writer<File>);

impl Spreadsheet {
    /// Begins the file, readable for its owner only, over an older one; never over `contacts`.
    pub(super) fn create(path: &Path, contacts: &Path) -> Result<Self, String> {
        let about = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        if path.canonicalize().is_ok_and(|path| contacts.canonicalize().is_ok_and(|contacts| contacts == path)) {
            return Err(about(&"与 --contacts 是同一个文件 (this is the file of --contacts)"));
        }
        let file = os::owner_only(OpenOptions::new().create(true).write(true).truncate(true)).open(path);
        let mut file = file.map_err(|error| about(&error))?;
        file.write_all("\u{feff}".as_bytes()).map_err(|error| about(&error))?;
        let mut writer = csv::Writer::from_writer(file);
        let header = ["id", "name", "phone", "company", "wechat_id", "erp_ord", "erp_khid"];
        writer.write_record(header.into_iter().chain(RESULTS)).map_err(|error| about(&error))?;
        Ok(Self(writer))
    }

    /// One contact: what was given of it, and what became of it.
    pub(super) fn write(&mut self, row: &AdoptedContact, given: &Map<String, Value>) -> Result<(), String> {
        let text = |value: Option<&Value>| match value {
            Some(Value::String(text)) => text.clone(),
            Some(value @ Value::Number(_)) => value.to_string(),
            _ => String::new(),
        };
        let member = |name: &str| text(given.get(name));
        let hint = |name: &str| text(given.get("erp").and_then(|erp| erp.get(name)));
        let candidates = row.candidates.iter().map(candidate).collect::<Vec<_>>().join("; ");
        let cells = [
            row.contact_id.clone().unwrap_or_else(|| member("id")),
            member("name"),
            member("phone"),
            member("company"),
            member("wechat_id"),
            row.ord.map_or_else(|| hint("ord"), |ord| ord.to_string()),
            row.khid.clone().unwrap_or_else(|| hint("khid")),
            row.line.to_string(),
            row.outcome.as_str().to_owned(),
            row.matched_by.map_or_else(String::new, |rule| rule.to_string()),
            row.kind.map_or_else(String::new, |kind| kind.to_string()),
            row.name.clone().unwrap_or_default(),
            candidates,
            row.message.clone(),
        ];
        self.0.write_record(cells.map(cell)).map_err(|error| error.to_string())
    }

    /// Everything is in the file.
    pub(super) fn finish(mut self) -> Result<(), String> {
        self.0.flush().map_err(|error| error.to_string())
    }
}

/// `7592 张三 13800138000 (2024-05-06, 王芳)`
pub(super) fn candidate(customer: &Candidate) -> String {
    let named = [&customer.name, &customer.mobile, &customer.khid].into_iter().flatten();
    let about: Vec<&str> = [&customer.added, &customer.salesperson].into_iter().flatten().map(String::as_str).collect();
    let mut text = customer.ord.to_string();
    for part in named.filter(|part| !part.trim().is_empty()) {
        text.push_str(&format!(" {}", part.trim()));
    }
    if about.iter().any(|part| !part.is_empty()) {
        text.push_str(&format!(" ({})", about.join(", ")));
    }
    text
}

/// A cell as it was before it was made harmless.
pub(super) fn read_back(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|rest| rest.starts_with(FORMULAS)).unwrap_or(cell)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_calculated_and_each_reads_back() {
        for (text, written) in [
            ("=1+1", "'=1+1"),
            ("+86 138", "'+86 138"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\tx", "'\tx"),
            ("张三", "张三"),
            ("'张三", "'张三"),
            ("", ""),
        ] {
            assert_eq!(super::cell(text.to_owned()), written);
            assert_eq!(read_back(written), text);
        }
    }

    #[test]
    fn a_candidate_is_told_by_what_distinguishes_it() {
        let mut customer = Candidate {
            name: Some("张三".into()),
            mobile: Some("138".into()),
            salesperson: Some("王芳".into()),
            ..Candidate::of(7)
        };
        assert_eq!(candidate(&customer), "7 张三 138 (王芳)");
        customer.salesperson = None;
        assert_eq!(candidate(&customer), "7 张三 138");
    }
}
