//! The real binary as a process of its own: started, stopped, killed without warning, started again on the same port and
//! ledger.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use erp_bridge::clock::Clock;
use tempfile::TempDir;

use super::{OPERATOR, SECRET, eventually, sender::Sender};

const LOG: &str = "bridge.log";
/// Lines of the log that a failed test shows.
const LOG_LINES: usize = 200;

/// A running `erp-bridge serve`; dropping it kills it.
pub struct Process {
    pub sender: Sender,
    child: Child,
    variables: Vec<(String, String)>,
    dir: TempDir,
}

impl Process {
    /// Starts the bridge on a free port and a fresh ledger, configured by environment; `variables` come on top:
    /// `("ERP__TIMEOUT", "500ms")`.
    pub async fn start(erp: &str, variables: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let ledger = format!("sqlite://{}", dir.path().join("ledger.db").display());
        let token = format!("ops:operate:{OPERATOR}");
        let base = [
            ("SERVER__LISTEN", "127.0.0.1:0"),
            ("DATABASE__URL", &ledger),
            ("WEBHOOK__SECRETS", SECRET),
            ("API__TOKENS", &token),
            ("ERP__BASE_URL", erp),
            ("ERP__USERNAME", "admin"),
            ("ERP__PASSWORD", "123456"),
            ("ERP__SERIAL", "BRIDGE1"),
            ("LOG__FILTER", "warn"),
        ];
        let named = |(key, value): &(&str, &str)| (format!("ERP_BRIDGE__{key}"), (*value).to_owned());
        let mut variables: Vec<_> = base.iter().chain(variables).map(named).collect();
        let (child, base_url) = spawn(&variables, dir.path());
        // From now on always the same port: senders know no other.
        let listen = base_url.trim_start_matches("http://").to_owned();
        variables.push(("ERP_BRIDGE__SERVER__LISTEN".into(), listen));
        let process = Self { sender: Sender::new(base_url, Clock::system()), child, variables, dir };
        process.ready().await;
        process
    }

    /// SIGKILL: no handler runs, nothing is flushed.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts the bridge again on the same port and ledger.
    pub async fn restart(&mut self) {
        let (child, base_url) = spawn(&self.variables, self.dir.path());
        assert_eq!(base_url, self.sender.base_url);
        self.child = child;
        self.ready().await;
    }

    /// Starts the bridge again and kills it after so long, wherever in its start it is by then.
    pub async fn die_young(&mut self, age: Duration) {
        self.child = launch(&self.variables, self.dir.path());
        tokio::time::sleep(age).await;
        self.kill();
    }

    /// Sends it a signal by name: `STOP`, `CONT`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status();
        assert!(sent.unwrap().success());
    }

    /// Its number in the system.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it holds of the machine's memory, in KiB.
    pub fn memory_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// How it ended, if it has.
    pub fn exit_code(&mut self) -> Option<i32> {
        self.child.try_wait().unwrap().map(|status| status.code().unwrap_or(-1))
    }

    /// The last lines of its log.
    pub fn log(&self) -> String {
        log(self.dir.path())
    }

    /// Waits until it says that it can accept.
    pub async fn ready(&self) {
        eventually("the bridge is ready", Duration::from_secs(20), async || self.sender.is_ready().await.then_some(()))
            .await;
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("{}:\n{}", self.sender.base_url, self.log());
        }
    }
}

fn spawn(variables: &[(String, String)], dir: &Path) -> (Child, String) {
    let mut child = launch(variables, dir);
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let base_url = line.trim_end().strip_prefix("listening on ").unwrap_or_else(|| panic!("{line:?}\n{}", log(dir)));
    (child, base_url.to_owned())
}

fn launch(variables: &[(String, String)], dir: &Path) -> Child {
    let log = std::fs::OpenOptions::new().create(true).append(true).open(dir.join(LOG)).unwrap();
    Command::new(env!("CARGO_BIN_EXE_erp-bridge"))
        .arg("serve")
        .current_dir(dir)
        .envs(variables.iter().map(|(key, value)| (key, value)))
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .unwrap()
}

/// The last lines of what it said.
fn log(dir: &Path) -> String {
    let words = std::fs::read_to_string(dir.join(LOG)).unwrap_or_default();
    let lines: Vec<&str> = words.lines().collect();
    lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
}
