//! The two programs, started and stopped.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::{sleep, timeout},
};

/// What went wrong, in words.
pub(crate) type Failure = Box<dyn std::error::Error>;

/// The demonstration's webhook secret; nobody else should use it.
pub(crate) const SECRET: &str = "whsec_RVJQIEJyaWRnZSBkZW1vbnN0cmF0aW9uIQ==";
/// Its token with the scope `operate`.
pub(crate) const TOKEN: &str = "demo-token-for-nothing-else";

/// How long a program may take to listen, and to stop.
const PROGRAM_LIMIT: Duration = Duration::from_secs(20);
/// How long the events may take.
const EVENTS_LIMIT: Duration = Duration::from_secs(60);

/// Simulator and bridge at work.
pub(crate) struct Stage {
    /// The bridge's address.
    pub(crate) bridge: String,
    /// The simulator's address.
    pub(crate) erp: String,
    /// To ask both.
    pub(crate) http: reqwest::Client,
    programs: PathBuf,
    folder: PathBuf,
    children: [Child; 2],
}

impl Stage {
    /// Starts both programs on free loopback ports.
    pub(crate) async fn set() -> Result<Self, Failure> {
        // Fails only if a provider is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build()?;
        let programs = programs()?;
        let folder = std::env::temp_dir().join(format!("erp-bridge-demo-{}", uuid::Uuid::now_v7().simple()));
        std::fs::create_dir(&folder)?;
        let mut simulator = Command::new(programs.join("zhibang-sim"));
        simulator.args(["--listen", "127.0.0.1:0", "--quirks", "all"]);
        let (simulator, erp) = start(simulator).await?;
        let (bridge, address) = start(bridge(&programs, &folder, &erp)).await?;
        Ok(Self { bridge: address, erp, http, programs, folder, children: [bridge, simulator] })
    }

    /// What `erp-bridge send` prints for a file; a refused event is an answer like any other.
    pub(crate) async fn send(&self, file: &Path, id: &str, secret: &str) -> Result<String, Failure> {
        let mut send = Command::new(self.programs.join("erp-bridge"));
        send.args(["send", "--url", &self.bridge, "--id", id]).arg(file).env("ERP_BRIDGE_SECRET", secret);
        let output = send.output().await?;
        if output.status.code().is_none_or(|code| code > 1) {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Whether there is a Python that can play the platform.
    pub(crate) async fn has_python(&self) -> bool {
        let mut python = Command::new("python3");
        python.args(["-c", "import sqlite3, ssl, sys; sys.exit(sys.version_info < (3, 8))"]).stderr(Stdio::null());
        python.status().await.is_ok_and(|status| status.success())
    }

    /// What the platform prints while it plays an act and until the bridge has taken its events.
    pub(crate) async fn act(&self, story: &Path, act: &str) -> Result<String, Failure> {
        let mut python = Command::new("python3");
        python.arg(story).arg("--db").arg(self.folder.join("hub.db")).args(["--url", &self.bridge, act]);
        // Whatever the terminal's language is; and no folder of compiled files in the repository.
        python.envs([("PYTHONIOENCODING", "utf-8"), ("PYTHONDONTWRITEBYTECODE", "1"), ("ERP_BRIDGE_SECRET", SECRET)]);
        let output = python.output().await?;
        if !output.status.success() {
            return Err(format!("{act}: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// A JSON answer; the bridge is asked with the token.
    pub(crate) async fn get(&self, url: String) -> Result<Value, Failure> {
        let answer = self.http.get(url).bearer_auth(TOKEN).send().await?.error_for_status()?;
        Ok(erp_bridge::json::parse_text(&answer.text().await?)?)
    }

    /// Waits until no event is queued or running.
    pub(crate) async fn until_idle(&self) -> Result<(), Failure> {
        let begun = Instant::now();
        loop {
            let open = self.get(format!("{}/v1/events?status=queued,running&limit=10", self.bridge)).await?;
            if open["items"].as_array().is_some_and(Vec::is_empty) {
                return Ok(());
            }
            if begun.elapsed() > EVENTS_LIMIT {
                return Err(format!("events are still open after {EVENTS_LIMIT:?}: {}", open["items"]).into());
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Stops both programs, the bridge first, and removes the ledger.
    pub(crate) async fn strike(mut self) {
        for child in &mut self.children {
            terminate(child).await;
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Where cargo put the programs: beside the folder of this example.
fn programs() -> Result<PathBuf, Failure> {
    let example = std::env::current_exe()?;
    let folder = example.parent().and_then(Path::parent).ok_or("the demo stands in no build folder")?;
    for program in ["erp-bridge", "zhibang-sim"] {
        if !folder.join(program).exists() {
            return Err(format!("{program} is not built yet: run `make demo`, or `cargo build --bins` first").into());
        }
    }
    Ok(folder.to_owned())
}

/// The bridge as an operator starts it, configured by the environment alone.
fn bridge(programs: &Path, folder: &Path, erp: &str) -> Command {
    let mut bridge = Command::new(programs.join("erp-bridge"));
    bridge.arg("serve").current_dir(folder);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("ERP_BRIDGE__") {
            bridge.env_remove(name);
        }
    }
    let tokens = format!("demo:operate:{TOKEN}");
    bridge.envs([
        ("ERP_BRIDGE__SERVER__LISTEN", "127.0.0.1:0"),
        ("ERP_BRIDGE__DATABASE__URL", "sqlite://ledger.db"),
        ("ERP_BRIDGE__WEBHOOK__SECRETS", SECRET),
        ("ERP_BRIDGE__API__TOKENS", &tokens),
        ("ERP_BRIDGE__ERP__BASE_URL", erp),
        ("ERP_BRIDGE__ERP__USERNAME", "admin"),
        ("ERP_BRIDGE__ERP__PASSWORD", "123456"),
        ("ERP_BRIDGE__ERP__SERIAL", "DEMO1"),
        ("ERP_BRIDGE__ERP__VALUES__STAGE_AFTER_DEAL", "成交客户"),
        ("ERP_BRIDGE__ASSIGNMENT__RULES", "80:63+71,60:public"),
        ("ERP_BRIDGE__LOG__FILTER", "warn"),
    ]);
    bridge
}

/// Starts a program and reads the address off its first line. It ends with this one, and not by the Ctrl-C of the
/// terminal, which all programs in the group would get at once.
async fn start(mut command: Command) -> Result<(Child, String), Failure> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true).process_group(0).spawn()?;
    let stdout = child.stdout.take().ok_or("a program without output")?;
    let mut lines = BufReader::new(stdout).lines();
    let line = timeout(PROGRAM_LIMIT, lines.next_line()).await.map_err(|_| "a program did not listen in time")??;
    let address = line.as_deref().and_then(|line| line.strip_prefix("listening on ")).map(str::to_owned);
    let address = address.ok_or("a program did not say where it listens; its own words stand above")?;
    // Whatever it prints later must not meet a closed pipe.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    Ok((child, address))
}

/// Asks a program to stop as an operator would, and insists after a while.
async fn terminate(child: &mut Child) {
    if let Some(id) = child.id() {
        let _ = Command::new("kill").args(["-TERM", &id.to_string()]).status().await;
    }
    if timeout(PROGRAM_LIMIT, child.wait()).await.is_err() {
        let _ = child.kill().await;
    }
}
