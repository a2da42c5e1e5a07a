//! Starting the programs that are measured: the bridge, BASE, and what it is compared with.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use super::{
    Outcome, databases,
    load::status_of,
    requests::{Requests, SECRET},
};

/// How long a program may take for its end, and for an answer.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(20);
/// A token that may do everything.
pub(crate) const OPERATOR: &str = "operator-token-0123456789";

/// A program at work; killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Program {
    child: Child,
    address: SocketAddr,
    dir: Option<TempDir>,
    /// It has workers, which it ends itself if it is asked to end.
    has_workers: bool,
}

/// How a bridge is set up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setup<'a> {
    database: &'a str,
    /// The simulator and ERP calls at once; without it nothing is dispatched.
    erp: Option<(&'a str, usize)>,
    /// It takes more than a backlog's limit.
    is_limitless: bool,
}

impl<'a> Setup<'a> {
    /// One that stores and dispatches nothing.
    pub(crate) fn storing(database: &'a str) -> Self {
        Self { database, erp: None, is_limitless: false }
    }

    /// The same, however much waits.
    pub(crate) fn storing_all(database: &'a str) -> Self {
        Self { is_limitless: true, ..Self::storing(database) }
    }

    /// One that dispatches to a simulator with so many calls at once.
    pub(crate) fn dispatching(database: &'a str, erp: &'a str, max_in_flight: usize) -> Self {
        Self { erp: Some((erp, max_in_flight)), ..Self::storing(database) }
    }

    fn config(&self) -> String {
        let quiet = if self.erp.is_some() { "" } else { r#""00:00-12:00", "12:00-00:00""# };
        let backlog = if self.is_limitless { "max_backlog = 1000000000\n" } else { "" };
        let (erp, max_in_flight) = self.erp.unwrap_or(("http://127.0.0.1:9", 1));
        format!(
            "[server]\nlisten = \"127.0.0.1:0\"\n[database]\nurl = \"{}\"\n{backlog}[webhook]\nsecrets = [\"{SECRET}\"]\n\
             [api]\nrate_limit = 0\ntokens = [{{ name = \"ops\", scope = \"operate\", token = \"{OPERATOR}\" }}]\n\
             [erp]\nbase_url = \"{erp}\"\nusername = \"admin\"\npassword = \"123456\"\nserial = \"BENCH\"\n\
             max_in_flight = {max_in_flight}\nquiet_hours = [{quiet}]\n",
            self.database,
        )
    }
}

impl Program {
    /// The bridge of this build.
    pub(crate) fn this() -> PathBuf {
        env!("CARGO_BIN_EXE_erp-bridge").into()
    }

    /// Starts this build's bridge; returns once it listens.
    pub(crate) fn bridge(setup: Setup<'_>) -> Outcome<Self> {
        Self::start_bridge(&Self::this(), setup)
    }

    /// As [`Program::bridge`], of any build.
    pub(crate) fn start_bridge(binary: &Path, setup: Setup<'_>) -> Outcome<Self> {
        let dir = tempfile::tempdir()?;
        let file = dir.path().join("erp-bridge.toml");
        std::fs::write(&file, setup.config())?;
        let log = File::create(dir.path().join("log"))?;
        let mut command = Command::new(binary);
        command.arg("serve").arg("--config").arg(&file).stderr(log);
        Self::start(command, Some(dir))
    }

    /// Starts BASE.
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
        let address = line.split_whitespace().find_map(|word| word.strip_prefix("http://")?.parse().ok());
        let Some(address) = address else {
            return Err(format!("a program did not start: {}", logged(dir.as_ref())).into());
        };
        Ok(Self { child, address, dir, has_workers: false })
    }

    /// Starts another's program, which is to listen at `address`; that is not waited for. Its log goes into `dir`.
    pub(crate) fn of_others(mut command: Command, address: SocketAddr, dir: TempDir) -> Outcome<Self> {
        let log = File::create(dir.path().join("log"))?;
        let child = command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?;
        Ok(Self { child, address, dir: Some(dir), has_workers: true })
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        logged(self.dir.as_ref())
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Resident memory in MB.
    pub(crate) fn resident_mb(&self) -> Outcome<f64> {
        let status = std::fs::read_to_string(Path::new("/proc").join(self.child.id().to_string()).join("status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS in /proc")?;
        Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? / 1_024.0)
    }

    /// Processor time used so far, in seconds.
    pub(crate) fn processor_seconds(&self) -> Outcome<f64> {
        databases::processor_seconds(&self.child.id().to_string()).ok_or_else(|| "a program has ended".into())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if self.has_workers {
            let _ = Command::new("kill").arg(self.child.id().to_string()).status();
            let asked = Instant::now();
            while !self.has_ended() && asked.elapsed() < PATIENCE {
                std::thread::sleep(LOOK);
            }
        }
        // It is gone already, or it goes now; either is well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn logged(dir: Option<&TempDir>) -> String {
    dir.and_then(|dir| std::fs::read_to_string(dir.path().join("log")).ok()).unwrap_or_default()
}

/// Posts the promotion `number` to a bridge; answers how long it took until the 202.
pub(crate) fn post(address: SocketAddr, number: usize) -> Outcome<Duration> {
    send(address, &Requests::promotions(number, 1)?)
}

/// Sends the first of these requests; answers how long it took until the 202.
pub(crate) fn send(address: SocketAddr, requests: &Requests) -> Outcome<Duration> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let began = Instant::now();
    stream.write_all(requests.get(0))?;
    let (mut answer, mut buffer) = (Vec::new(), [0; 4_096]);
    loop {
        let count = stream.read(&mut buffer)?;
        answer.extend_from_slice(&buffer[..count]);
        match status_of(&answer)? {
            Some(202) => return Ok(began.elapsed()),
            Some(status) => return Err(format!("an event was answered {status}").into()),
            None if count == 0 => return Err("the server closed the connection".into()),
            None => {}
        }
    }
}
