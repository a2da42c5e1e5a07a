//! What is wrong with a configuration: which key, where it was read, what would be right.

use std::fmt;

/// Everything that keeps the bridge from starting with this configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// At least one.
    pub problems: Vec<Problem>,
}

/// One wrong key. Its text never holds the value of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The key as the file spells it: `erp.timeout`.
    pub key: String,
    /// Where it was read: a file and a line, an environment variable, or that it is set nowhere.
    pub origin: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.key, self.origin, self.message)
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.problems[..] {
            [] => write!(f, "the configuration is wrong"),
            [problem] => write!(f, "the configuration is wrong (配置有误): {problem}"),
            problems => {
                write!(f, "the configuration has {} problems (配置有 {0} 处问题):", problems.len())?;
                problems.iter().try_for_each(|problem| write!(f, "\n  - {problem}"))
            }
        }
    }
}

impl std::error::Error for ConfigError {}
