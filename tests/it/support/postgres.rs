//! A throw-away PostgreSQL cluster of the real server, with fsync on, as the bridge insists.
//!
//! The first test that needs it makes it; all test processes share it, each test in a database of its own; a watchdog
//! removes it when no test process has used it for a while. It lies outside `target/`, because the server refuses to
//! run as root and its own user must be able to reach it.

use std::{
    fs::{self, File},
    hash::{DefaultHasher, Hash, Hasher},
    net::TcpListener,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use sqlx::{Connection, PgConnection};
use tokio::sync::OnceCell;

/// The user that the server runs as where the tests run as root.
const SERVER_USER: &str = "postgres";
/// Tries to find a port that stays free until the server listens on it.
const START_TRIES: usize = 5;
/// How long a start may take on a machine that has much else to do.
const START_SECONDS: &str = "180";

/// A cluster that may run or not.
pub struct Cluster {
    dir: PathBuf,
    port: u16,
}

/// The address of a new, empty database in the shared cluster.
pub async fn database() -> String {
    static SHARED: OnceCell<(Cluster, File)> = OnceCell::const_new();
    let (cluster, _in_use) = SHARED.get_or_init(async || join()).await;
    cluster.database().await
}

/// The server's port in a database's address.
pub fn port(database: &str) -> u16 {
    let (_, rest) = database.split_once("127.0.0.1:").unwrap();
    rest.split_once('/').unwrap().0.parse().unwrap()
}

impl Cluster {
    /// A cluster of the caller's own in `dir`, running; it goes with the value.
    pub fn own(dir: &Path) -> OwnCluster {
        fs::set_permissions(dir, fs::Permissions::from_mode(0o755)).unwrap();
        OwnCluster(Self::make(&dir.join("data")))
    }

    /// Initialises a cluster and starts it.
    fn make(dir: &Path) -> Self {
        let _ = fs::remove_dir_all(dir);
        if is_root() {
            run(Command::new("install").args(["-d", "-m", "700", "-o", SERVER_USER]).arg(dir));
        }
        let make = ["--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-sync", "-D"];
        run(server_tool("initdb").args(make).arg(dir));
        for _ in 1..START_TRIES {
            let cluster = Self { dir: dir.to_owned(), port: free_port() };
            if cluster.try_start() {
                return cluster;
            }
        }
        panic!("PostgreSQL does not start; see {}", dir.join("server.log").display());
    }

    /// Starts the server and waits until it takes connections.
    pub fn start(&self) {
        assert!(self.try_start(), "PostgreSQL does not start; see {}", self.dir.join("server.log").display());
    }

    fn try_start(&self) -> bool {
        let options = format!(
            "-c listen_addresses=127.0.0.1 -c port={} -c unix_socket_directories= -c fsync=on -c max_connections=300",
            self.port
        );
        let log = self.dir.join("server.log");
        let mut start = server_tool("pg_ctl");
        start.args(["start", "-w", "-t", START_SECONDS, "-s", "-o", &options, "-l"]).arg(log).arg("-D").arg(&self.dir);
        quiet(&mut start).status().unwrap().success()
    }

    /// Stops the server as an administrator in a hurry does: clients are thrown out.
    pub fn stop(&self) {
        run(server_tool("pg_ctl").args(["stop", "-w", "-s", "-m", "fast", "-D"]).arg(&self.dir));
    }

    /// A new, empty database: its address.
    pub async fn database(&self) -> String {
        let name = format!("t{}", uuid::Uuid::now_v7().simple());
        let mut admin = PgConnection::connect(&self.address("postgres", self.port)).await.unwrap();
        sqlx::query(sqlx::AssertSqlSafe(format!("create database {name}"))).execute(&mut admin).await.unwrap();
        admin.close().await.unwrap();
        self.address(&name, self.port)
    }

    fn address(&self, database: &str, port: u16) -> String {
        format!("postgres://postgres@127.0.0.1:{port}/{database}")
    }

    fn answers(&self) -> bool {
        let mut ready = Command::new(tool("pg_isready"));
        ready.args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()]);
        self.dir.join("postmaster.pid").exists() && quiet(&mut ready).status().unwrap().success()
    }
}

/// A cluster that ends with the test.
pub struct OwnCluster(pub Cluster);

impl Drop for OwnCluster {
    fn drop(&mut self) {
        let mut stop = server_tool("pg_ctl");
        stop.args(["stop", "-w", "-s", "-m", "immediate", "-D"]).arg(&self.0.dir);
        let _ = quiet(&mut stop).status();
    }
}

/// Joins the users of the shared cluster, making it if it is not there. It is in use as long as the file is open.
fn join() -> (Cluster, File) {
    let mut hash = DefaultHasher::new();
    (env!("CARGO_TARGET_TMPDIR"), is_root()).hash(&mut hash);
    let home = std::env::temp_dir().join(format!("erp-bridge-test-{:016x}", hash.finish()));
    fs::create_dir_all(&home).unwrap();
    fs::set_permissions(&home, fs::Permissions::from_mode(0o755)).unwrap();
    let in_use = File::create(home.join("in-use.lock")).unwrap();
    in_use.lock_shared().unwrap();
    let making = File::create(home.join("making.lock")).unwrap();
    making.lock().unwrap();
    let (dir, port_file) = (home.join("data"), home.join("port"));
    let port = fs::read_to_string(&port_file).ok().and_then(|port| port.parse().ok());
    if let Some(port) = port {
        let cluster = Cluster { dir: dir.clone(), port };
        if cluster.answers() {
            return (cluster, in_use);
        }
    }
    let cluster = Cluster::make(&dir);
    fs::write(port_file, cluster.port.to_string()).unwrap();
    watch(&home);
    (cluster, in_use)
}

/// Leaves a watchdog behind, in a session of its own and outliving this process, that stops and removes the shared cluster
/// once no test process uses it.
#[expect(clippy::zombie_processes, reason = "it is to outlive this process")]
fn watch(home: &Path) {
    let stop = server_tool("pg_ctl");
    let stop =
        std::iter::once(stop.get_program()).chain(stop.get_args()).map(|word| word.to_string_lossy().into_owned());
    let stop = stop.collect::<Vec<_>>().join(" ");
    // Whoever comes next need not wait until everything is deleted.
    let end = format!("{stop} stop -s -m immediate -D data; rm -f port; mv data gone-$$; :");
    let script = format!(
        "cd {} && while sleep 20; do flock -n in-use.lock sh -c '{end}' && rm -rf gone-* && exit; done",
        home.display()
    );
    let mut watchdog = Command::new("setsid");
    watchdog.args(["sh", "-c", &script]).stdin(Stdio::null());
    quiet(&mut watchdog).spawn().unwrap();
}

/// A program of the server, run as a user that it accepts.
fn server_tool(name: &str) -> Command {
    let mut command = if is_root() {
        let mut command = Command::new("runuser");
        command.args(["-u", SERVER_USER, "--"]).arg(tool(name));
        command
    } else {
        Command::new(tool(name))
    };
    command.env("LC_ALL", "C.UTF-8").current_dir("/");
    command
}

/// Debian keeps the server's programs out of PATH.
fn tool(name: &str) -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = versions.map(|version| version.path().join("bin").join(name)).collect();
    found.retain(|path| path.exists());
    found.sort();
    found.pop().unwrap_or_else(|| PathBuf::from(name))
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn quiet(command: &mut Command) -> &mut Command {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null())
}

fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}; `make tools` installs PostgreSQL"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
