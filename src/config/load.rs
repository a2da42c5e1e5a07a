//! Loading: the file, the environment over it, every check, and the whole list of problems if there are any.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use super::{
    Config, ConfigError, DatabaseConfig, Problem,
    authorities::CA_CERT,
    check, keys,
    source::{ENV_PREFIX, Reader},
};
use crate::os;

/// The file that is read if none is named; it may be missing.
pub const DEFAULT_FILE: &str = "erp-bridge.toml";

/// Where this program's configuration stands, so that it can be read again on SIGHUP.
#[derive(Debug, Clone, Default)]
pub struct Place {
    /// The file that was named; `None` for [`DEFAULT_FILE`], which may be missing.
    pub file: Option<PathBuf>,
}

impl Place {
    /// Reads the configuration with this process's environment.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn load(&self) -> Result<Config, ConfigError> {
        Config::load(self.file.as_deref(), environment())
    }

    /// Reads it again for a bridge that runs by `running`, as [`Config::read_again`] does.
    ///
    /// # Errors
    /// As [`Place::load`].
    pub fn load_again(&self, running: &Config) -> Result<(Config, Vec<Problem>), ConfigError> {
        let text = read_file(self.file.as_deref())?;
        running.read_again(text.as_ref().map(|(name, text)| (name.as_str(), text.as_str())), environment())
    }

    /// What is unwise about the file itself and about those that it and this process's environment name for secrets, a
    /// sentence each.
    pub fn warnings(&self) -> Vec<String> {
        self.warnings_in(environment())
    }

    /// The same with another environment.
    pub fn warnings_in(&self, env: impl Iterator<Item = (String, String)>) -> Vec<String> {
        let mut files = vec![self.file.clone().unwrap_or_else(|| DEFAULT_FILE.into())];
        let env: Vec<_> = env.collect();
        files.extend(env.iter().filter(|(name, _)| name.ends_with("_FILE")).map(|(_, file)| PathBuf::from(file)));
        let text = read_file(self.file.as_deref()).ok().flatten();
        let (config, _) = read(text.as_ref().map(|(name, text)| (name.as_str(), text.as_str())), env.into_iter());
        files.extend(config.server.tls().map(|tls| tls.key));
        files.iter().filter_map(|file| warning(file)).collect()
    }

    /// Reads only `[database]`, for a command that needs neither the ERP's account nor a webhook secret.
    ///
    /// # Errors
    /// Everything that is wrong with the configuration, except that something is missing.
    pub fn load_database(&self) -> Result<DatabaseConfig, ConfigError> {
        let text = read_file(self.file.as_deref())?;
        let (config, reader) = read(text.as_ref().map(|(name, text)| (name.as_str(), text.as_str())), environment());
        finish(config.database, reader)
    }
}

impl Config {
    /// Reads a file and the environment over it. Without `path` the default file is taken if it is there.
    ///
    /// # Errors
    /// Every wrong key, value or missing secret: its name, where it was read, what would be right.
    pub fn load(path: Option<&Path>, env: impl Iterator<Item = (String, String)>) -> Result<Self, ConfigError> {
        let text = read_file(path)?;
        Self::from_sources(text.as_ref().map(|(name, text)| (name.as_str(), text.as_str())), env)
    }

    /// The same from a text in memory; `name` stands for its path in messages.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn from_sources(
        file: Option<(&str, &str)>,
        env: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let (config, mut reader) = read(file, env);
        check::required(&config, &mut reader);
        finish(config, reader)
    }

    /// Reads it again while a bridge runs by this one. Authorities that cannot be read stay what they are, and what is wrong
    /// with them is answered: only a restart takes others, so all else is not kept out for them.
    ///
    /// # Errors
    /// As [`Config::load`], where anything else is wrong.
    pub fn read_again(
        &self,
        file: Option<(&str, &str)>,
        env: impl Iterator<Item = (String, String)>,
    ) -> Result<(Self, Vec<Problem>), ConfigError> {
        let (mut config, mut reader) = read(file, env);
        check::required(&config, &mut reader);
        let problems = reader.finish();
        if problems.iter().any(|problem| problem.key != CA_CERT) {
            return Err(ConfigError { problems });
        }
        if !problems.is_empty() {
            config.outbound = self.outbound.clone();
            config.written.keep(CA_CERT, &self.written);
        }
        Ok((config, problems))
    }
}

fn read(file: Option<(&str, &str)>, env: impl Iterator<Item = (String, String)>) -> (Config, Reader) {
    let mut reader = Reader::new(file, env);
    let config = keys::read(&mut reader);
    check::between_keys(&config, &mut reader);
    (config, reader)
}

fn finish<T>(value: T, reader: Reader) -> Result<T, ConfigError> {
    let problems = reader.finish();
    if problems.is_empty() { Ok(value) } else { Err(ConfigError { problems }) }
}

/// What is unwise about a file that may hold secrets.
fn warning(file: &Path) -> Option<String> {
    let mode = os::rights_of_everybody(file)?;
    let name = file.display();
    Some(format!(
        "{name}: 其他用户可以读取这个含有密钥的文件 (others than its owner and group can read or change it, mode {mode:o}, and it may hold secrets: chmod g-w,o= {name})"
    ))
}

/// The file's name and text; `None` if it is the default one and not there.
fn read_file(path: Option<&Path>) -> Result<Option<(String, String)>, ConfigError> {
    let named = path.unwrap_or(Path::new(DEFAULT_FILE));
    let name = named.display().to_string();
    match fs::read_to_string(named) {
        Ok(text) => Ok(Some((name, text))),
        Err(error) if error.kind() == io::ErrorKind::NotFound && path.is_none() => Ok(None),
        Err(error) => {
            let message = format!("cannot be read: {error}; name another file with --config");
            Err(ConfigError { problems: vec![Problem { key: "the file".into(), origin: name, message }] })
        }
    }
}

/// This process's variables of the configuration. What is no UTF-8 gets the replacement character, which the reader refuses.
fn environment() -> impl Iterator<Item = (String, String)> {
    let text = |value: std::ffi::OsString| value.to_string_lossy().into_owned();
    env::vars_os().map(move |(name, value)| (text(name), text(value))).filter(|(name, _)| name.starts_with(ENV_PREFIX))
}
