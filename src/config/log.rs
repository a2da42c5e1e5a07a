//! How the bridge logs, and where its traces go.

use std::str::FromStr;

use tracing_subscriber::EnvFilter;

use super::BaseUrl;

/// `[telemetry]`
#[derive(Debug, Clone, Default)]
pub struct TelemetryConfig {
    /// The collector that traces are sent to (OTLP over HTTP); none are made without one.
    pub otlp_endpoint: Option<BaseUrl>,
}

/// What is logged: a level, or a filter such as `info,erp_bridge::erp=debug`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFilter(String);

impl LogFilter {
    /// The filter as the logger takes it.
    pub fn to_env_filter(&self) -> EnvFilter {
        EnvFilter::builder().parse_lossy(&self.0)
    }
}

impl Default for LogFilter {
    fn default() -> Self {
        Self("info".to_owned())
    }
}

impl FromStr for LogFilter {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match EnvFilter::builder().parse(text) {
            Ok(_) if !text.trim().is_empty() => Ok(Self(text.to_owned())),
            _ => Err("write a level or a filter such as \"info,erp_bridge::erp=debug\""),
        }
    }
}

/// How a line of the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}
