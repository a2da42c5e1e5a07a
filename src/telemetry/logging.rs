//! How the bridge logs: one readable line, or one JSON object, on standard error.

use tracing_subscriber::fmt::time::FormatTime;

use crate::{
    clock::Clock,
    config::{LogConfig, LogFormat},
};

/// Log times are the ERP's, as everywhere people read.
struct ErpTime(Clock);

impl FormatTime for ErpTime {
    fn format_time(&self, writer: &mut tracing_subscriber::fmt::format::Writer<'_>) -> std::fmt::Result {
        writer.write_str(&self.0.now().rfc3339())
    }
}

/// Starts logging; a second call in one process changes nothing.
pub fn init(config: &LogConfig) {
    let builder = tracing_subscriber::fmt()
        .with_env_filter(config.filter.to_env_filter())
        .with_timer(ErpTime(Clock::system()))
        .with_writer(std::io::stderr)
        .with_target(false);
    // Fails only if logging has started already.
    let _ = match config.format {
        LogFormat::Json => builder.json().try_init(),
        LogFormat::Text => builder.with_ansi(false).try_init(),
    };
    // The place alone: a panic's text can quote what a customer wrote.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "a task failed at this place of the source");
    }));
}
