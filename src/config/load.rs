//! Reading the configuration: a TOML file, then the environment over it. Every problem names its key, where it was read
//! from, and what would be right.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use toml::{Table, Value};

use super::{Config, check};

/// Every key with a value of its type; the template of a new installation is also the schema of the environment.
const TEMPLATE: &str = include_str!("../../erp-bridge.example.toml");
const PREFIX: &str = "ERP_BRIDGE__";
/// `ERP_BRIDGE__ERP__PASSWORD_FILE` names a file that holds `erp.password`.
const FILE_SUFFIX: &str = "_FILE";

/// One thing that is wrong with the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The key: `erp.base_url`.
    pub key: String,
    /// Where it was read from: the file, an environment variable, or that it is missing.
    pub source: String,
    /// What is wrong, and what would be right. Never a secret's value.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.key, self.source, self.message)
    }
}

/// Everything that is wrong with the configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("配置有误 (the configuration is not right):{}", .0.iter().map(|problem| format!("\n  {problem}")).collect::<String>())]
pub struct ConfigError(pub Vec<Problem>);

impl Config {
    /// Reads `file` (none: the environment alone) and the variables `ERP_BRIDGE__…` of `env`, and checks every limit.
    pub fn load(file: Option<&Path>, env: impl IntoIterator<Item = (String, String)>) -> Result<Self, ConfigError> {
        let config = Self::read(file, env)?;
        let problems = check::problems(&config.0);
        if problems.is_empty() {
            return Ok(config.0);
        }
        let located = problems.into_iter().map(|(key, message)| Problem { source: config.1.of(&key), key, message });
        Err(ConfigError(located.collect()))
    }

    fn read(
        file: Option<&Path>,
        env: impl IntoIterator<Item = (String, String)>,
    ) -> Result<(Self, Origins), ConfigError> {
        let mut origins = Origins { file: file.map(Path::to_path_buf), variables: BTreeMap::new() };
        let mut values = match file {
            Some(path) => read_file(path)?,
            None => Table::new(),
        };
        let mut problems = Vec::new();
        for (variable, text) in env.into_iter().filter(|(name, _)| name.starts_with(PREFIX)) {
            if let Err(message) = lay_over(&mut values, &mut origins, &variable, text) {
                problems.push(Problem { key: key_of(&variable), source: format!("环境变量 {variable}"), message });
            }
        }
        if !problems.is_empty() {
            return Err(ConfigError(problems));
        }
        let config = serde_path_to_error::deserialize(Value::Table(values)).map_err(|error| {
            let key = error.path().to_string();
            let message = plain(&error.into_inner().to_string());
            ConfigError(vec![Problem { source: origins.of(&key), key, message }])
        })?;
        Ok((config, origins))
    }
}

fn read_file(path: &Path) -> Result<Table, ConfigError> {
    let problem = |message: String| {
        let source = path.display().to_string();
        ConfigError(vec![Problem { key: "file".into(), source, message }])
    };
    let text = std::fs::read_to_string(path).map_err(|error| problem(format!("cannot be read: {error}")))?;
    // The parser's own message would quote the line, which may hold a secret.
    text.parse::<Table>().map_err(|error| {
        let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        problem(format!("line {line} is not TOML: {}", error.message()))
    })
}

/// Where each key was read from.
struct Origins {
    file: Option<PathBuf>,
    variables: BTreeMap<String, String>,
}

impl Origins {
    fn of(&self, key: &str) -> String {
        let variable = self.variables.iter().find(|(known, _)| key == *known || key.starts_with(&format!("{known}.")));
        match (variable, &self.file) {
            (Some((_, variable)), _) => format!("环境变量 {variable}"),
            (None, Some(file)) => file.display().to_string(),
            (None, None) => "没有配置文件 (no file)".into(),
        }
    }
}

/// `ERP_BRIDGE__ERP__BASE_URL` → `erp.base_url`.
fn key_of(variable: &str) -> String {
    variable.trim_start_matches(PREFIX).to_lowercase().replace("__", ".")
}

fn lay_over(values: &mut Table, origins: &mut Origins, variable: &str, text: String) -> Result<(), String> {
    let mut key = key_of(variable);
    let mut text = text;
    let template: Table = TEMPLATE.parse().map_err(|error: toml::de::Error| error.to_string())?;
    if find(&template, &key).is_none()
        && let Some(stem) = variable.strip_suffix(FILE_SUFFIX)
    {
        key = key_of(stem);
        text = std::fs::read_to_string(&text).map_err(|error| format!("the file {text:?} cannot be read: {error}"))?;
        text.truncate(text.trim_end().len());
    }
    let Some(example) = find(&template, &key) else {
        return Err(format!("there is no such key; {}", suggestion(&template, &key)));
    };
    let wrong = |kind: &str| format!("must be {kind}, such as {example}");
    let value = match example {
        Value::Integer(_) => Value::Integer(text.trim().parse().map_err(|_| wrong("a whole number"))?),
        Value::Float(_) => Value::Float(text.trim().parse().map_err(|_| wrong("a number"))?),
        Value::Boolean(_) => Value::Boolean(text.trim().parse().map_err(|_| wrong("true or false"))?),
        // Lists and tables of the environment are text, which their types read themselves.
        _ => Value::String(text),
    };
    insert(values, &key, value)?;
    origins.variables.insert(key, variable.to_owned());
    Ok(())
}

fn find<'a>(table: &'a Table, key: &str) -> Option<&'a Value> {
    let (first, rest) = key.split_once('.').unwrap_or((key, ""));
    match (table.get(first)?, rest) {
        (value, "") => Some(value),
        (Value::Table(inner), rest) => find(inner, rest),
        _ => None,
    }
}

fn insert(table: &mut Table, key: &str, value: Value) -> Result<(), String> {
    let Some((first, rest)) = key.split_once('.') else {
        table.insert(key.to_owned(), value);
        return Ok(());
    };
    match table.entry(first).or_insert_with(|| Value::Table(Table::new())) {
        Value::Table(inner) => insert(inner, rest, value),
        _ => Err(format!("{first} is not a section in the file")),
    }
}

fn suggestion(template: &Table, key: &str) -> String {
    let section = key.split_once('.').map_or(key, |(section, _)| section);
    let names = |table: &Table| table.keys().cloned().collect::<Vec<_>>().join(", ");
    match template.get(section) {
        Some(Value::Table(keys)) => format!("section {section} has {}", names(keys)),
        _ => format!("the sections are {}", names(template)),
    }
}

/// serde's words without the quoting of values that some of its messages do.
fn plain(message: &str) -> String {
    match message.split_once("invalid type: ") {
        Some((_, rest)) => match rest.split_once(", expected ") {
            Some((_, expected)) => format!("has the wrong type; it must be {}", expected.trim()),
            None => "has the wrong type".to_owned(),
        },
        None => message.trim().replace('\n', " "),
    }
}
