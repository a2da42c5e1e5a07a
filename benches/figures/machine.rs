//! Where the figures come from: without it they say nothing.

use std::{
    fs::File,
    io::{Seek, Write},
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use erp_bridge::clock::Clock;

use super::{Outcome, series::Series};

/// How long the disk is tried.
const DISK_TRIAL: Duration = Duration::from_secs(2);

/// Date, processor, kernel, disk and build, in a sentence.
pub(crate) fn facts(on_disk: &Path) -> Outcome<String> {
    let processors = std::fs::read_to_string("/proc/cpuinfo")?;
    let model = processors
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("?", |(_, name)| name);
    let cores = std::thread::available_parallelism()?;
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let load = std::fs::read_to_string("/proc/loadavg")?;
    let others = load.split(' ').next().unwrap_or("?");
    Ok(format!(
        "{date}, {model}, {cores} cores (load {others} before the start), commit {commit}, Linux {kernel}, {fsyncs}, {server}, \
         optimised build without link-time optimisation (profile `bench`)",
        commit = commit(),
        date = &Clock::system().now().rfc3339()[..10],
        kernel = kernel.trim(),
        fsyncs = fsyncs(on_disk)?,
        server = server_version(),
    ))
}

/// How fast the disk under `dir` makes 4 KB durable: no accept can be faster, and none has a better p99.
fn fsyncs(dir: &Path) -> Outcome<String> {
    let mut file = File::create(dir.join("fsync"))?;
    let (began, mut took) = (Instant::now(), Series::default());
    while began.elapsed() < DISK_TRIAL {
        let begun = Instant::now();
        file.rewind()?;
        file.write_all(&[7; 4_096])?;
        file.sync_data()?;
        took.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    Ok(format!("fsync of 4 KB in {:.2} ms, p99 {:.2} ms", took.median(), took.quantile(0.99)))
}

/// The commit that is measured, with a `+` where the tree differs from it.
fn commit() -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output();
        output.map_or_else(|_| String::new(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let differs = !git(&["status", "--porcelain", "--untracked-files=no", "src", "Cargo.lock"]).is_empty();
    format!("{}{}", git(&["rev-parse", "--short", "HEAD"]), if differs { "+" } else { "" })
}

fn server_version() -> String {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions.map(|version| version.path().join("bin/postgres")).filter(|path| path.exists()).max();
    let output = Command::new(newest.unwrap_or_else(|| "postgres".into())).arg("--version").output();
    output.map_or_else(|_| "PostgreSQL".to_owned(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
