//! Starting bridges, as many as are asked for, on one ledger and one ERP.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

use super::Outcome;

/// A bridge at work; killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Bridge {
    child: Child,
    _dir: TempDir,
}

impl Bridge {
    /// Starts one; returns once it listens.
    pub(crate) fn start(program: &Path, database: &str, erp: &str, in_flight: usize) -> Outcome<Self> {
        let dir = tempfile::tempdir()?;
        let config = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\n[database]\nurl = \"{database}\"\n\
             [webhook]\nsecrets = [\"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"]\n\
             [erp]\nbase_url = \"{erp}\"\nusername = \"admin\"\npassword = \"123456\"\nserial = \"BENCH\"\nmax_in_flight = {in_flight}\n",
        );
        let file = dir.path().join("erp-bridge.toml");
        std::fs::write(&file, config)?;
        let log = dir.path().join("log");
        let mut command = Command::new(program);
        command.arg("serve").arg("--config").arg(&file).stderr(File::create(&log)?);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        if let Some(out) = child.stdout.take() {
            BufReader::new(out).read_line(&mut line)?;
        }
        if !line.contains("http://") {
            return Err(format!("a bridge did not start: {}", std::fs::read_to_string(&log)?).into());
        }
        Ok(Self { child, _dir: dir })
    }

    /// Processor time used so far, in seconds.
    pub(crate) fn processor_seconds(&self) -> Outcome<f64> {
        let stat = std::fs::read_to_string(Path::new("/proc").join(self.child.id().to_string()).join("stat"))?;
        let after_name = stat.rsplit_once(')').ok_or("no name in /proc")?.1;
        let ticks = after_name.split_whitespace().skip(11).take(2).map(str::parse::<f64>).sum::<Result<f64, _>>()?;
        Ok(ticks / 100.0)
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        // It is gone already, or it goes now; either is well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
