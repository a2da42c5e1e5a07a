//! Starting the programs that are measured: the bridge, and BASE.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tokio::net::TcpStream;

use super::{
    Outcome,
    load::{self, SECRET},
};

/// ERP calls at once, as configured.
pub(crate) const MAX_IN_FLIGHT: usize = 8;

/// A program at work; killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Program {
    child: Child,
    pub(crate) addresses: Vec<SocketAddr>,
    _dir: Option<TempDir>,
}

/// How a bridge is set up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setup<'a> {
    pub(crate) database: &'a str,
    /// The simulator; without one nothing is dispatched.
    pub(crate) erp: Option<&'a str>,
}

impl Program {
    /// Starts a bridge; returns once it listens.
    pub(crate) fn bridge(setup: Setup<'_>) -> Outcome<Self> {
        let dir = tempfile::tempdir()?;
        let quiet = if setup.erp.is_some() { "" } else { r#""00:00-12:00", "12:00-00:00""# };
        let config = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\n[database]\nurl = \"{}\"\n[webhook]\nsecrets = [\"{SECRET}\"]\n\
             [erp]\nbase_url = \"{}\"\nusername = \"admin\"\npassword = \"123456\"\nserial = \"BENCH\"\nmax_in_flight = {MAX_IN_FLIGHT}\n\
             quiet_hours = [{quiet}]\n",
            setup.database,
            setup.erp.unwrap_or("http://127.0.0.1:9"),
        );
        let file = dir.path().join("erp-bridge.toml");
        std::fs::write(&file, config)?;
        let log = File::create(dir.path().join("log"))?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_erp-bridge"));
        command.arg("serve").arg("--config").arg(&file).stderr(log);
        Self::start(command, Some(dir))
    }

    /// Starts BASE: the first address answers at once, the second verifies.
    pub(crate) fn base() -> Outcome<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("--base");
        Self::start(command, None)
    }

    fn start(mut command: Command, dir: Option<TempDir>) -> Outcome<Self> {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        if let Some(out) = child.stdout.take() {
            BufReader::new(out).read_line(&mut line)?;
        }
        let addresses: Vec<SocketAddr> =
            line.split_whitespace().filter_map(|word| word.strip_prefix("http://")?.parse().ok()).collect();
        if addresses.is_empty() {
            let log = dir.as_ref().map(|dir| std::fs::read_to_string(dir.path().join("log"))).transpose()?;
            return Err(format!("a program did not start: {}", log.unwrap_or_default()).into());
        }
        Ok(Self { child, addresses, _dir: dir })
    }

    /// Resident memory in MB.
    pub(crate) fn resident_mb(&self) -> Outcome<f64> {
        let status = std::fs::read_to_string(Path::new("/proc").join(self.child.id().to_string()).join("status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS in /proc")?;
        Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? / 1_024.0)
    }

    /// Processor time used so far, in seconds.
    pub(crate) fn processor_seconds(&self) -> Outcome<f64> {
        let stat = std::fs::read_to_string(Path::new("/proc").join(self.child.id().to_string()).join("stat"))?;
        let after_name = stat.rsplit_once(')').ok_or("no name in /proc")?.1;
        let ticks = after_name.split_whitespace().skip(11).take(2).map(str::parse::<f64>).sum::<Result<f64, _>>()?;
        Ok(ticks / 100.0)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It is gone already, or it goes now; either is well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Posts event `number`; answers how long it took until the 202.
pub(crate) async fn post(address: SocketAddr, number: usize) -> Outcome<Duration> {
    let bytes = load::request(&load::body(number))?;
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let began = Instant::now();
    tokio::io::AsyncWriteExt::write_all(&mut stream, &bytes).await?;
    match load::answer(&mut stream, &mut Vec::new()).await? {
        202 => Ok(began.elapsed()),
        status => Err(format!("an event was answered {status}").into()),
    }
}
