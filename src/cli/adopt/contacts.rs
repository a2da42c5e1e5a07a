//! The platform's contacts as a file: CSV or one JSON object a line. It is read as it is needed, however long it is.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fs::File,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use csv::{ReaderBuilder, StringRecord, Trim};
use serde_json::{Map, Value, json};

use super::spreadsheet;
use crate::{app::AdoptLine, json};

/// Longest line of a file of JSON, in bytes.
const LINE_BYTES_MAX: u64 = 64 * 1_024;
/// Largest file, in bytes: a quote that is never closed makes one record of the whole rest.
const FILE_BYTES_MAX: u64 = 256 * 1_024 * 1_024;
/// The columns by which customers are found.
const COLUMNS: [&str; 7] = ["id", "name", "phone", "company", "wechat_id", "erp_ord", "erp_khid"];
/// Members of a contact that say nothing of which customer it is.
const UNUSED: [&str; 6] = ["phone_verified", "source", "notes", "address", "email", "job"];

/// A file of contacts.
pub(super) struct ContactsFile {
    /// How many there are.
    pub(super) count: usize,
    /// What is left out of it, a sentence each.
    pub(super) notices: Vec<String>,
    path: PathBuf,
    format: Format,
    /// Contacts on their way through the adoption, by line.
    on_the_way: RefCell<BTreeMap<usize, Map<String, Value>>>,
}

enum Format {
    Csv { columns: Vec<Option<&'static str>> },
    Lines,
}

impl ContactsFile {
    /// Reads it once through, so that what is wrong with the whole file is said before anything is done.
    pub(super) fn open(path: &Path) -> Result<Self, String> {
        let about = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let length = path.metadata().map_err(|error| about(&error))?.len();
        if length > FILE_BYTES_MAX {
            return Err(about(&format!("文件过大，请拆分 (longer than {FILE_BYTES_MAX} bytes: split it)")));
        }
        check_encoding(path)?;
        let extension = path.extension().and_then(|name| name.to_str()).unwrap_or_default().to_ascii_lowercase();
        let (format, notices) = match extension.as_str() {
            "jsonl" | "ndjson" => (Format::Lines, Vec::new()),
            "csv" => columns(path)?,
            _ => return Err(about(&"文件名须以 .csv 或 .jsonl 结尾 (the name must end in .csv or .jsonl)")),
        };
        let count = read(path, &format)?.count();
        Ok(Self { count, notices, path: path.to_owned(), format, on_the_way: RefCell::default() })
    }

    /// Its contacts, in order; each is kept until it is asked for by [`ContactsFile::given`].
    pub(super) fn lines(&self) -> Result<impl Iterator<Item = AdoptLine> + '_, String> {
        let keep = |line: AdoptLine| {
            if let Ok(Value::Object(contact)) = &line.contact {
                self.on_the_way.borrow_mut().insert(line.number, contact.clone());
            }
            line
        };
        Ok(read(&self.path, &self.format)?.map(keep))
    }

    /// What stood in a line that has come out of the adoption.
    pub(super) fn given(&self, line: usize) -> Map<String, Value> {
        self.on_the_way.borrow_mut().remove(&line).unwrap_or_default()
    }
}

/// The contacts of a file, read as they are asked for.
fn read<'a>(path: &Path, format: &'a Format) -> Result<Box<dyn Iterator<Item = AdoptLine> + 'a>, String> {
    let file = File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(match format {
        Format::Csv { columns } => {
            Box::new(reader().from_reader(file).into_records().filter_map(|record| csv_line(record, columns)))
        }
        Format::Lines => Box::new((1..).zip(JsonLines(BufReader::new(file))).filter_map(json_line)),
    })
}

fn reader() -> ReaderBuilder {
    let mut builder = ReaderBuilder::new();
    builder.flexible(true).trim(Trim::All);
    builder
}

/// UTF-8 and nothing else: bytes of another encoding would become other names.
fn check_encoding(path: &Path) -> Result<(), String> {
    let mut reader = BufReader::new(File::open(path).map_err(|error| format!("{}: {error}", path.display()))?);
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let read = reader.read_until(b'\n', &mut line).map_err(|error| format!("{}: {error}", path.display()))?;
        if read == 0 {
            break;
        }
        if std::str::from_utf8(&line).is_err() {
            return Err(format!(
                "{}: 第 {number} 行不是 UTF-8（可能是 GBK 或 UTF-16）：在 Excel 中另存为“CSV UTF-8” (line {number} is not UTF-8, \
                 perhaps GBK or UTF-16: save it as “CSV UTF-8” in Excel)",
                path.display()
            ));
        }
    }
    Ok(())
}

/// Which member each column of a CSV is.
fn columns(path: &Path) -> Result<(Format, Vec<String>), String> {
    let about = |words: String| format!("{}: {words}", path.display());
    let mut csv = reader().from_path(path).map_err(|error| about(error.to_string()))?;
    let header = csv.headers().map_err(|error| about(error.to_string()))?;
    let known = |name: &str| COLUMNS.into_iter().find(|column| column.eq_ignore_ascii_case(name));
    let columns: Vec<_> = header.iter().map(known).collect();
    let names = || header.iter().collect::<Vec<_>>().join("、");
    if !columns.contains(&Some("id")) {
        let wanted = COLUMNS.join(",");
        return Err(about(format!(
            "首行没有 id 列，只有 (the first line has no column id, only): {}；应为 (write): {wanted}",
            names()
        )));
    }
    if let Some(twice) = COLUMNS.iter().find(|name| columns.iter().filter(|column| **column == Some(name)).count() > 1)
    {
        return Err(about(format!("列 {twice} 出现两次 (the column {twice} stands there twice)")));
    }
    let passed_over = |name: &&str| {
        known(name).is_none() && !UNUSED.contains(name) && !spreadsheet::RESULTS.contains(name) && !name.is_empty()
    };
    let unknown: Vec<&str> = header.iter().filter(passed_over).collect();
    let notice = format!("未使用的列 (columns that are not used): {}", unknown.join("、"));
    Ok((Format::Csv { columns }, if unknown.is_empty() { Vec::new() } else { vec![notice] }))
}

fn csv_line(record: csv::Result<StringRecord>, columns: &[Option<&'static str>]) -> Option<AdoptLine> {
    let place = |position: Option<&csv::Position>| position.map_or(0, |at| usize::try_from(at.line()).unwrap_or(0));
    let record = match record {
        Ok(record) => record,
        Err(error) => return Some(AdoptLine { number: place(error.position()), contact: Err(error.to_string()) }),
    };
    let number = place(record.position());
    if record.iter().all(str::is_empty) {
        return None;
    }
    let contact = if record.len() == columns.len() {
        Ok(contact_of(&record, columns))
    } else {
        Err(format!("有 {} 列，应为 {} 列 ({0} columns instead of {1})", record.len(), columns.len()))
    };
    Some(AdoptLine { number, contact })
}

fn contact_of(record: &StringRecord, columns: &[Option<&'static str>]) -> Value {
    let mut contact = Map::new();
    for (name, value) in columns.iter().zip(record.iter().map(spreadsheet::read_back)) {
        match (name, value) {
            (_, "") | (None, _) => {}
            (Some("erp_ord"), ord) => contact.entry("erp").or_insert_with(|| json!({}))["ord"] = ord.into(),
            (Some("erp_khid"), khid) => contact.entry("erp").or_insert_with(|| json!({}))["khid"] = khid.into(),
            (Some(name), value) => drop(contact.insert((*name).to_owned(), value.into())),
        }
    }
    Value::Object(contact)
}

/// The lines of a file, none of them longer than [`LINE_BYTES_MAX`].
struct JsonLines(BufReader<File>);

impl Iterator for JsonLines {
    type Item = Result<String, String>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut line = Vec::new();
        match self.0.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line) {
            Ok(0) => None,
            Ok(_) if !line.ends_with(b"\n") && line.len() as u64 == LINE_BYTES_MAX => {
                self.skip_line();
                Some(Err(format!("该行过长 (the line is longer than {LINE_BYTES_MAX} bytes)")))
            }
            Ok(_) => Some(String::from_utf8(line).map_err(|error| error.to_string())),
            Err(error) => Some(Err(error.to_string())),
        }
    }
}

impl JsonLines {
    fn skip_line(&mut self) {
        loop {
            let (length, ends) = match self.0.fill_buf() {
                Ok([]) => return,
                Ok(buffer) => match buffer.iter().position(|byte| *byte == b'\n') {
                    Some(at) => (at + 1, true),
                    None => (buffer.len(), false),
                },
                Err(_) => return,
            };
            self.0.consume(length);
            if ends {
                return;
            }
        }
    }
}

fn json_line((number, line): (usize, Result<String, String>)) -> Option<AdoptLine> {
    let contact = match line {
        Ok(line) if line.trim().is_empty() => return None,
        Ok(line) => json::parse_text(&line).map_err(|fault| fault.to_string()),
        Err(reason) => Err(reason),
    };
    Some(AdoptLine { number, contact })
}
