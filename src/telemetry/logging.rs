//! How the bridge logs: one readable line, or one JSON object, on standard error.

use std::io::{self, Write};

use tracing_subscriber::{EnvFilter, fmt::time::FormatTime};

use super::{masking::mask_text, printable::one_line};
use crate::{
    clock::Clock,
    config::{LogConfig, LogFilter, LogFormat},
};

/// Log times are the ERP's, as everywhere people read.
struct ErpTime(Clock);

impl FormatTime for ErpTime {
    fn format_time(&self, writer: &mut tracing_subscriber::fmt::format::Writer<'_>) -> std::fmt::Result {
        writer.write_str(&self.0.now().rfc3339())
    }
}

/// Writes each event as exactly one line, whatever stood in it: nobody's words can forge another one, and a number or an
/// address that slipped into them is masked.
#[derive(Debug)]
pub struct OneLine<W>(pub W);

impl<W: Write> Write for OneLine<W> {
    /// The subscriber hands over an event at a time.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let event_without_end = event.strip_suffix(b"\n").unwrap_or(event);
        let mut line = mask_text(&one_line(&String::from_utf8_lossy(event_without_end)));
        line.push('\n');
        self.0.write_all(line.as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Changes what is logged while the bridge runs.
pub struct Logging(Box<dyn Fn(EnvFilter)>);

impl Logging {
    /// Logs by this filter from now on.
    pub fn change(&self, filter: &LogFilter) {
        (self.0)(filter.to_env_filter());
    }
}

/// Starts logging; a second call in one process changes nothing.
pub fn init(config: &LogConfig) -> Logging {
    let builder = tracing_subscriber::fmt()
        .with_env_filter(config.filter.to_env_filter())
        .with_timer(ErpTime(Clock::system()))
        .with_writer(|| OneLine(io::stderr()))
        .with_target(false)
        .with_ansi(false);
    // Starting fails only if logging has started already, changing only if it has ended.
    let logging: Box<dyn Fn(EnvFilter)> = match config.format {
        LogFormat::Json => {
            let builder = builder.json().with_filter_reloading();
            let handle = builder.reload_handle();
            let _ = builder.try_init();
            Box::new(move |filter| _ = handle.reload(filter))
        }
        LogFormat::Text => {
            let builder = builder.with_filter_reloading();
            let handle = builder.reload_handle();
            let _ = builder.try_init();
            Box::new(move |filter| _ = handle.reload(filter))
        }
    };
    // The place alone: a panic's text can quote what a customer wrote.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "a task failed at this place of the source");
    }));
    Logging(logging)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_whatever_stands_in_it() {
        let mut out = OneLine(Vec::new());
        let forged = "ERROR said=没有\u{1b}[2J权限\n2026-11-23T15:04:05+08:00  INFO all is well, call 138/1234/5678\n";
        out.write_all(forged.as_bytes()).unwrap();
        out.write_all(b"next\n").unwrap();
        let log = String::from_utf8(out.0).unwrap();
        assert_eq!(log, "ERROR said=没有权限 2026-11-23T15:04:05+08:00  INFO all is well, call 138/****/5678\nnext\n");
    }
}
