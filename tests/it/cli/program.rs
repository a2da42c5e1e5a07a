//! Running the real binary: in a directory of its own, with nothing in its environment but what a test sets.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

use tempfile::TempDir;

pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
pub const TOKEN: &str = "operator-token-0123456789";
/// The simulator's default.
pub const PASSWORD: &str = "123456";

/// What a program that has ended left behind.
pub struct Answer {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// Variables with which a bridge serves an ERP at this address, on a free port, with its ledger in its own directory.
pub fn settings(erp: &str) -> Vec<(String, String)> {
    [
        ("SERVER__LISTEN", "127.0.0.1:0"),
        ("DATABASE__URL", "sqlite://ledger.db"),
        ("WEBHOOK__SECRETS", SECRET),
        ("API__TOKENS", &format!("ops:operate:{TOKEN}")),
        ("ERP__BASE_URL", erp),
        ("ERP__USERNAME", "admin"),
        ("ERP__PASSWORD", PASSWORD),
        ("ERP__SERIAL", "BRIDGE1"),
    ]
    .map(|(key, value)| (format!("ERP_BRIDGE__{key}"), value.to_owned()))
    .to_vec()
}

/// The binary in a directory, with these variables alone.
pub fn command(dir: &Path, set: &[(String, String)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_erp-bridge"));
    command.current_dir(dir).env_clear().envs(set.iter().cloned()).stdin(Stdio::null());
    command
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> Answer {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Answer { code: output.status.code().unwrap_or(-1), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// A bridge that serves. Dropping it ends it.
pub struct Program {
    pub url: String,
    child: Child,
    stdout: BufReader<ChildStdout>,
    dir: TempDir,
}

impl Program {
    pub fn serve(set: &[(String, String)]) -> Self {
        Self::serve_in(set, |_| ())
    }

    /// `prepare` may put files into its directory first.
    pub fn serve_in(set: &[(String, String)], prepare: impl FnOnce(&Path)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        prepare(dir.path());
        let log = File::create(dir.path().join("log")).unwrap();
        let mut command = command(dir.path(), set);
        let mut child = command.arg("serve").stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let log = || std::fs::read_to_string(dir.path().join("log")).unwrap();
        let url =
            line.trim_end().strip_prefix("listening on ").unwrap_or_else(|| panic!("{line:?}: {}", log())).to_owned();
        Self { url, child, stdout, dir }
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Whether this text is in its log.
    pub fn logged(&self, text: &str) -> bool {
        std::fs::read_to_string(self.dir().join("log")).unwrap().contains(text)
    }

    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Sends a signal and waits for the end.
    pub fn signal_and_wait(mut self, name: &str) -> Answer {
        self.signal(name);
        let mut stdout = String::new();
        self.stdout.read_to_string(&mut stdout).unwrap();
        let code = self.child.wait().unwrap().code().unwrap_or(-1);
        Answer { code, stdout, stderr: std::fs::read_to_string(self.dir().join("log")).unwrap() }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
