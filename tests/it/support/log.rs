//! What the bridge of a test logs.

use std::{
    io,
    sync::{Arc, Mutex},
};

use erp_bridge::telemetry::logging::OneLine;

/// What the bridge logs, as it writes it.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// Everything of the bridge, at the finest level.
    pub fn begin() -> (Self, tracing::subscriber::DefaultGuard) {
        let log = Self::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_env_filter("erp_bridge=trace")
            .with_writer(move || OneLine(writer.clone()))
            .finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// How many of its lines hold these words.
    pub fn lines_with(&self, words: &str) -> usize {
        self.text().lines().filter(|line| line.contains(words)).count()
    }

    /// Its lines at WARN and above.
    pub fn loud(&self) -> Vec<String> {
        let is_loud = |line: &&str| matches!(line.split_whitespace().nth(1), Some("WARN" | "ERROR"));
        self.text().lines().filter(is_loud).map(str::to_owned).collect()
    }
}
