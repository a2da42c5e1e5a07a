//! Where values come from: a TOML file, and over it environment variables. Every value keeps its origin.

use std::{collections::BTreeMap, fmt, fs};

use toml::de::{DeTable, DeValue};

use super::{Problem, Written};

/// What the name of every environment variable of the configuration begins with: `ERP_BRIDGE__ERP__BASE_URL`.
pub const ENV_PREFIX: &str = "ERP_BRIDGE__";

/// A value as it was found, before its key says what it should be.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Raw {
    /// From the environment, or an item of such a list: the key decides what it means, so `007` stays a text.
    Env(String),
    Text(String),
    Integer(i64),
    Float(f64),
    Bool(bool),
    List(Vec<Raw>),
    Table(BTreeMap<String, Raw>),
    /// A date, or a number too large: nothing that any key takes.
    Other(String),
}

/// A value and where it stood.
#[derive(Debug, Clone)]
struct Found {
    raw: Raw,
    origin: Origin,
}

#[derive(Debug, Clone)]
enum Origin {
    Line { file: String, line: usize },
    Variable(String),
    SecretFile { variable: String, path: String },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line { file, line } => write!(f, "{file}, line {line}"),
            Self::Variable(name) => write!(f, "environment variable {name}"),
            Self::SecretFile { variable, path } => write!(f, "file {path}, named by environment variable {variable}"),
        }
    }
}

/// The key that a reader knows.
#[derive(Debug, Clone, Copy)]
struct Known {
    key: &'static str,
    secret: bool,
}

/// Hands out values by key, and collects what is wrong with them.
#[derive(Debug, Default)]
pub(super) struct Reader {
    file: BTreeMap<String, Found>,
    sections: BTreeMap<String, Found>,
    variables: BTreeMap<String, (String, String)>,
    known: Vec<Known>,
    written: Written,
    problems: Vec<Problem>,
}

impl Reader {
    /// Reads a file's text (its name is for messages) and the variables that begin with [`ENV_PREFIX`].
    pub(super) fn new(file: Option<(&str, &str)>, env: impl Iterator<Item = (String, String)>) -> Self {
        let mut reader = Self::default();
        if let Some((name, text)) = file {
            match DeTable::parse(text) {
                Ok(table) => reader.flatten("", table.get_ref(), name, text),
                Err(error) => {
                    // The message alone: the library's full text would print the line, secrets and all.
                    let line = error.span().map_or(1, |span| line_of(text, span.start));
                    let message = format!("this is no TOML: {}", error.message());
                    reader.problems.push(Problem { key: "the file".into(), origin: at(name, line), message });
                }
            }
        }
        for (name, value) in env {
            if let Some(rest) = name.strip_prefix(ENV_PREFIX) {
                let key = rest.to_ascii_lowercase().replace("__", ".");
                if value.contains(char::REPLACEMENT_CHARACTER) {
                    let origin = format!("environment variable {name}");
                    reader.problems.push(Problem { key: key.clone(), origin, message: "is no UTF-8 text".into() });
                }
                reader.variables.insert(key, (name, value));
            }
        }
        reader
    }

    /// The value of a key: from the environment, else from the file, else `default`. What `parse` refuses is noted with
    /// its reason, and the default stands in, so that reading goes on.
    pub(super) fn read<T>(
        &mut self,
        key: &'static str,
        default: T,
        parse: impl FnOnce(&Raw) -> Result<T, String>,
    ) -> T {
        self.take(Known { key, secret: false }, default, parse)
    }

    /// The same for a secret: it is never printed, and `…_FILE` in the environment may name a file that holds it.
    pub(super) fn secret<T>(
        &mut self,
        key: &'static str,
        default: T,
        parse: impl FnOnce(&Raw) -> Result<T, String>,
    ) -> T {
        self.take(Known { key, secret: true }, default, parse)
    }

    fn take<T>(&mut self, known: Known, default: T, parse: impl FnOnce(&Raw) -> Result<T, String>) -> T {
        self.known.push(known);
        let found = match self.find(known) {
            Ok(Some(found)) => found,
            Ok(None) => return default,
            Err(problem) => {
                self.problems.push(problem);
                return default;
            }
        };
        self.written.note(known.key, &found.raw);
        parse(&found.raw).unwrap_or_else(|remedy| {
            let message = if known.secret { remedy } else { format!("{} is not possible; {remedy}", found.raw) };
            self.problems.push(Problem { key: known.key.into(), origin: found.origin.to_string(), message });
            default
        })
    }

    fn find(&self, known: Known) -> Result<Option<Found>, Problem> {
        let direct = self.variables.get(known.key);
        let by_file = known.secret.then(|| self.variables.get(&format!("{}_file", known.key))).flatten();
        let problem = |origin: &str, message: String| Problem {
            key: known.key.into(),
            origin: format!("environment variable {origin}"),
            message,
        };
        match (direct, by_file) {
            (Some((name, _)), Some((file, _))) => {
                Err(problem(name, format!("is also given by {file}; set only one of the two")))
            }
            (Some((name, value)), None) => {
                Ok(Some(Found { raw: Raw::Env(value.clone()), origin: Origin::Variable(name.clone()) }))
            }
            (None, Some((variable, path))) => match fs::read_to_string(path) {
                Ok(text) => Ok(Some(Found {
                    raw: Raw::Env(text.trim_end().to_owned()),
                    origin: Origin::SecretFile { variable: variable.clone(), path: path.clone() },
                })),
                Err(error) => Err(problem(variable, format!("cannot read the file {path}: {error}"))),
            },
            (None, None) => Ok(self.file.get(known.key).cloned()),
        }
    }

    /// Whether anything is written for a key that is no secret.
    pub(super) fn says(&self, key: &str) -> bool {
        self.variables.contains_key(key) || self.file.contains_key(key)
    }

    /// What stands behind each key that was read so far.
    pub(super) fn written(&self) -> Written {
        self.written.clone()
    }

    /// Notes what stands in the file that a key names, beside its name: it changes while the name stays.
    pub(super) fn note_named(&mut self, key: &'static str, content: &impl fmt::Debug) {
        self.written.note_named(key, content);
    }

    /// Notes a problem of a key whose value is possible in itself.
    pub(super) fn refuse(&mut self, key: &str, message: impl Into<String>) {
        // One reason a key: what could not be read was replaced by its default, which then says nothing.
        if self.problems.iter().any(|problem| problem.key == key) {
            return;
        }
        let variable = self.variables.get(key).or_else(|| self.variables.get(&format!("{key}_file")));
        let origin = match (variable, self.file.get(key)) {
            (Some((name, _)), _) => format!("environment variable {name}"),
            (None, Some(found)) => found.origin.to_string(),
            (None, None) => "not set".into(),
        };
        self.problems.push(Problem { key: key.into(), origin, message: message.into() });
    }

    /// Whether this key was read as a secret, so that a file may hold it.
    pub(super) fn is_secret(&self, key: &str) -> bool {
        self.known.iter().any(|known| known.secret && known.key == key)
    }

    /// Every problem, those of keys that nobody asked for included.
    pub(super) fn finish(mut self) -> Vec<Problem> {
        let unknown: Vec<Problem> = self.unknown_in_file().chain(self.unknown_in_environment()).collect();
        self.problems.extend(unknown);
        self.problems
    }

    /// What is said for a key that was asked for, as it would be written and without its secrets, and where.
    pub(super) fn shown(&self, key: &str) -> Option<(String, String)> {
        let known = *self.known.iter().find(|known| known.key == key)?;
        let found = self.find(known).ok().flatten()?;
        let value = if known.secret { "***".to_owned() } else { written(&found.raw) };
        Some((value, found.origin.to_string()))
    }

    /// What a file says for a key, as it would be written.
    pub(super) fn in_file(&self, key: &str) -> Option<String> {
        self.file.get(key).map(|found| written(&found.raw))
    }

    /// The names of all keys that were asked for, in their order.
    pub(super) fn keys(&self) -> Vec<&'static str> {
        self.known.iter().map(|known| known.key).collect()
    }

    fn unknown_in_file(&self) -> impl Iterator<Item = Problem> {
        let is_section = |key: &str| self.known.iter().any(|known| known.key.starts_with(&format!("{key}.")));
        let is_key = |key: &str| self.known.iter().any(|known| known.key == key);
        // A section that nobody knows is one problem, whatever stands in it.
        let in_known = move |key: &str| key.rsplit_once('.').is_none_or(|(section, _)| is_section(section));
        let keys = self.file.iter().filter(move |(key, _)| !is_key(key) && in_known(key)).map(move |(key, found)| {
            let message = if is_section(key) {
                format!("is a section: write [{key}] on a line of its own, and its keys under it")
            } else {
                self.no_such_key(key)
            };
            Problem { key: key.clone(), origin: found.origin.to_string(), message }
        });
        let sections = self.sections.iter().filter(move |(key, _)| !is_section(key) && !is_key(key) && in_known(key));
        keys.chain(sections.map(|(key, found)| Problem {
            key: key.clone(),
            origin: found.origin.to_string(),
            message: self.no_such_key(key),
        }))
    }

    fn unknown_in_environment(&self) -> impl Iterator<Item = Problem> {
        let variables = self.variables.iter().filter(|(key, _)| {
            let of_secret = |known: &Known| known.secret && key.strip_suffix("_file") == Some(known.key);
            !self.known.iter().any(|known| known.key == *key || of_secret(known))
        });
        variables.map(|(key, (name, _))| {
            let message = match key.strip_suffix("_file") {
                Some(plain) if self.known.iter().any(|known| known.key == plain) => {
                    "only secrets may be given by a file; set the value itself".into()
                }
                _ => self.no_such_key(key),
            };
            Problem { key: key.clone(), origin: format!("environment variable {name}"), message }
        })
    }

    fn no_such_key(&self, key: &str) -> String {
        let section = key.rsplit_once('.').map_or("", |(section, _)| section);
        let siblings: Vec<&str> = self
            .known
            .iter()
            .filter_map(|known| known.key.rsplit_once('.').filter(|(of, _)| *of == section).map(|(_, name)| name))
            .collect();
        if siblings.is_empty() {
            let mut sections: Vec<&str> =
                self.known.iter().filter_map(|known| Some(known.key.rsplit_once('.')?.0)).collect();
            sections.dedup();
            return format!("there is no such section; there are {}", sections.join(", "));
        }
        format!("there is no such key; [{section}] has {}", siblings.join(", "))
    }

    /// Tables become sections, anything else a value under its dotted key.
    fn flatten(&mut self, above: &str, table: &DeTable<'_>, name: &str, text: &str) {
        for (key, value) in table {
            let path = if above.is_empty() { key.get_ref().to_string() } else { format!("{above}.{}", key.get_ref()) };
            let origin = Origin::Line { file: name.to_owned(), line: line_of(text, key.span().start) };
            match value.get_ref() {
                // A map that is one value: its own keys are the operator's.
                DeValue::Table(inner) if path != "admission.rules" => {
                    self.sections.insert(path.clone(), Found { raw: Raw::Bool(true), origin });
                    self.flatten(&path, inner, name, text);
                }
                other => {
                    self.file.insert(path, Found { raw: raw(other), origin });
                }
            }
        }
    }
}

impl fmt::Display for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(text) | Self::Text(text) => write!(f, "{:?}", without_credentials(text)),
            Self::Integer(number) => write!(f, "{number}"),
            Self::Float(number) => write!(f, "{number}"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::List(_) => f.write_str("this list"),
            Self::Table(_) => f.write_str("this table"),
            Self::Other(text) => f.write_str(text),
        }
    }
}

/// A value as an operator would write it in the environment.
fn written(raw: &Raw) -> String {
    match raw {
        Raw::Env(text) | Raw::Text(text) => without_credentials(text),
        Raw::List(items) => items.iter().map(written).collect::<Vec<_>>().join(", "),
        Raw::Table(members) => {
            let member = |(key, value): (&String, &Raw)| format!("{key} = {}", written(value));
            format!("{{ {} }}", members.iter().map(member).collect::<Vec<_>>().join(", "))
        }
        Raw::Integer(_) | Raw::Float(_) | Raw::Bool(_) | Raw::Other(_) => raw.to_string(),
    }
}

fn raw(value: &DeValue<'_>) -> Raw {
    match value {
        DeValue::String(text) => Raw::Text(text.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or_else(|_| Raw::Other(number.as_str().to_owned()), Raw::Integer),
        DeValue::Float(number) => {
            number.as_str().parse().map_or_else(|_| Raw::Other(number.as_str().to_owned()), Raw::Float)
        }
        DeValue::Boolean(value) => Raw::Bool(*value),
        DeValue::Datetime(moment) => Raw::Other(moment.to_string()),
        DeValue::Array(items) => Raw::List(items.iter().map(|item| raw(item.get_ref())).collect()),
        DeValue::Table(table) => {
            Raw::Table(table.iter().map(|(key, value)| (key.get_ref().to_string(), raw(value.get_ref()))).collect())
        }
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

fn at(file: &str, line: usize) -> String {
    Origin::Line { file: file.to_owned(), line }.to_string()
}

/// A text as it may be shown: of `http://admin:password@host/?key=…` only `http://***@host/?***` is left. A key that is no
/// secret may hold one all the same, by mistake.
fn without_credentials(text: &str) -> String {
    let (scheme, rest) = text.split_once("://").map_or(("", text), |(scheme, rest)| (scheme, rest));
    let (hidden, host) = rest.rsplit_once('@').map_or(("", rest), |(_, host)| ("***@", host));
    let (host, query) = host.split_once('?').map_or((host, ""), |(host, _)| (host, "?***"));
    let mark = if scheme.len() + rest.len() == text.len() { "" } else { "://" };
    format!("{scheme}{mark}{hidden}{host}{query}")
}
