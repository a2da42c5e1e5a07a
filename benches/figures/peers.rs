//! What a user would take instead, side by side with this bridge: the same load, the same events, and the same meaning of a
//! 202, namely that the event is on the disk. Nobody dispatches meanwhile: the bridge has quiet hours, DBOS's workers and
//! Flask's are not there, and Restate waits for the first invocation of each partition.
//!
//! `scripts/peers.sh` installs them into `target/peers`. Whoever is not there or does not start is told and left out.

use std::{
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use axum::{
    Router,
    routing::{get, post},
};

use super::{
    Options, Outcome,
    accept::{self, Measured},
    bridge::{Program, Setup, send},
    databases::{Database, Databases},
    load::Load,
    report::Report,
    requests::{Requests, SECRET},
};

const CONNECTIONS: usize = 64;
/// How long one may take until it accepts its first event.
const PATIENCE: Duration = Duration::from_secs(90);
const LOOK: Duration = Duration::from_millis(200);
/// Number of the first event, which is accepted before the clock starts.
const FIRST: usize = 100_000_000;
/// Lines of a log that are shown.
const SHOWN: usize = 5;
/// What Restate is told of the service that the events are for (its protocol of discovery, version 1 of the manifest).
const MANIFEST: &str = r#"{"protocolMode":"REQUEST_RESPONSE","minProtocolVersion":5,"maxProtocolVersion":5,"services":[{"name":"Events","ty":"SERVICE","handlers":[{"name":"accept"}]}]}"#;
const MANIFEST_TYPE: &str = "application/vnd.restate.endpointmanifest.v1+json";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Peer {
    Bridge(Database),
    Flask,
    Dbos,
    Restate,
}

/// One of the field, as far as it got.
struct Entry {
    peer: Peer,
    measured: Measured,
    /// Why it is left out.
    missing: Option<String>,
}

pub(crate) async fn measure(options: &Options, databases: &Databases<'_>, report: &mut Report) -> Outcome<()> {
    let bridges = Database::BOTH.map(Peer::Bridge);
    let peers = bridges.into_iter().chain([Peer::Restate, Peer::Flask, Peer::Dbos]);
    let mut field: Vec<Entry> =
        peers.map(|peer| Entry { peer, measured: Measured::default(), missing: None }).collect();
    for round in 1..=options.rounds {
        for entry in field.iter_mut().filter(|entry| entry.missing.is_none()) {
            let name = entry.peer.name();
            match entry.peer.once(options, databases, &mut entry.measured).await {
                Ok(()) => println!("round {round}, {name}: {:.0}/s", entry.measured.rate.last()),
                Err(error) if matches!(entry.peer, Peer::Bridge(_)) => return Err(error),
                Err(error) => {
                    println!("{name} is left out: {error}");
                    entry.missing = Some(error.to_string());
                }
            }
        }
    }
    let (ours, others) = field.split_at(bridges.len());
    for entry in ours {
        let best = others.iter().filter(|other| other.missing.is_none()).map(|other| &other.measured.rate);
        let best = best.max_by(|one, other| one.median().total_cmp(&other.median()));
        let ratio = best.map(|best| format!("**{} × the best of them** · ", entry.measured.rate.over(best).words(1)));
        let goal = "≥ 5 × the best of them";
        report.row(&entry.peer.name(), goal, &format!("{}{}", ratio.unwrap_or_default(), entry.measured.line()));
    }
    for entry in others {
        let told = entry.missing.as_ref().map_or_else(
            || entry.measured.line(),
            |why| format!("left out: {}", why.lines().next().unwrap_or_default()),
        );
        report.row(&entry.peer.name(), "", &told);
    }
    Ok(())
}

impl Peer {
    fn name(self) -> String {
        match self {
            Self::Bridge(database) => format!("this bridge, {database}"),
            Self::Flask => "Flask on gunicorn, SQLite".to_owned(),
            Self::Dbos => "FastAPI on uvicorn, DBOS on PostgreSQL".to_owned(),
            Self::Restate => "Restate, its own log".to_owned(),
        }
    }

    /// Starts it on an empty ledger, and puts the load on it.
    async fn once(self, options: &Options, databases: &Databases<'_>, measured: &mut Measured) -> Outcome<()> {
        let ledger = databases.fresh(if let Self::Bridge(kind) = self { kind } else { Database::Postgres }).await?;
        let mut program = match self {
            Self::Bridge(_) => Program::bridge(Setup::storing(&ledger.url))?,
            Self::Flask => flask()?,
            Self::Dbos => dbos(&ledger.url)?,
            Self::Restate => restate().await?,
        };
        let first = self.requests(FIRST, 1)?;
        program = tokio::task::spawn_blocking(move || first_accepted(program, &first)).await??;
        let span = options.span();
        let count = accept::signed_for(span, None);
        let requests = tokio::task::spawn_blocking(move || self.requests(0, count)).await??;
        let load = Load { address: program.address(), connections: CONNECTIONS, span, pace: None };
        accept::loaded(databases, &program, load, requests, measured).await
    }

    fn requests(self, first: usize, count: usize) -> Outcome<Requests> {
        match self {
            // As https://docs.restate.dev/invoke/http says: sent and not waited for, once for each key.
            Self::Restate => Requests::addressed("/Events/accept/send", Some("idempotency-key"), first, count),
            _ => Requests::promotions(first, count),
        }
    }
}

/// Waits until a program has accepted an event.
fn first_accepted(mut program: Program, first: &Requests) -> Outcome<Program> {
    let begun = Instant::now();
    loop {
        let Err(error) = send(program.address(), first) else { return Ok(program) };
        if program.has_ended() || begun.elapsed() > PATIENCE {
            let log = program.log();
            let last: Vec<&str> = log.lines().rev().take(SHOWN).collect();
            let shown = last.into_iter().rev().collect::<Vec<_>>().join("\n");
            return Err(format!("it accepted nothing ({error})\n{shown}").into());
        }
        std::thread::sleep(LOOK);
    }
}

/// A program that `scripts/peers.sh` has installed.
fn installed(path: &str) -> Outcome<PathBuf> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers").join(path);
    if file.exists() { Ok(file) } else { Err(format!("target/peers/{path} is not installed").into()) }
}

/// A program of the virtual environment, with the two applications in its path.
fn python(program: &str, ledger: &str) -> Outcome<Command> {
    let mut command = Command::new(installed(&format!("python/bin/{program}"))?);
    command.env("PYTHONPATH", Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers"));
    command.env("PYTHONDONTWRITEBYTECODE", "1").env("WEBHOOK_SECRET", SECRET).env("LEDGER", ledger);
    Ok(command)
}

fn free_address() -> Outcome<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Workers and threads as gunicorn's documentation recommends: (2 × cores) + 1 of the one, 2 × cores of the other, with
/// connections that stay (https://docs.gunicorn.org/en/stable/design.html, `settings.html#threads`).
fn flask() -> Outcome<Program> {
    let (dir, address) = (tempfile::tempdir()?, free_address()?);
    let mut command = python("gunicorn", &dir.path().join("ledger.db").display().to_string())?;
    command.args(["--bind", &address.to_string(), "--worker-class", "gthread", "--keep-alive", "75"]);
    command.args(["--workers", &(2 * cores() + 1).to_string(), "--threads", &(2 * cores()).to_string()]);
    command.args(["--no-control-socket", "flask_sqlite:app"]);
    Program::of_others(command, address, dir)
}

/// A worker a core, as FastAPI's documentation explains (https://fastapi.tiangolo.com/deployment/server-workers/), with
/// uvicorn's faster loop and parser. PostgreSQL is the same server, with fsync on, that the bridge gets.
fn dbos(database: &str) -> Outcome<Program> {
    let (dir, address) = (tempfile::tempdir()?, free_address()?);
    let ledger = database.replacen("postgres://", "postgresql://", 1);
    let migrated = python("dbos", &ledger)?.args(["migrate", "--sys-db-url", &ledger]).output()?;
    if !migrated.status.success() {
        return Err(format!("dbos migrate: {}", String::from_utf8_lossy(&migrated.stderr)).into());
    }
    let mut command = python("uvicorn", &ledger)?;
    command.args(["--host", "127.0.0.1", "--port", &address.port().to_string(), "--workers", &cores().to_string()]);
    command.args(["--no-access-log", "fastapi_dbos:app"]);
    Program::of_others(command, address, dir)
}

/// One node as it comes, whose log-server flushes its log by default (`rocksdb-disable-wal-fsync = false` in what
/// `restate-server --dump-config` prints), with one invocation at work in each of its partitions.
async fn restate() -> Outcome<Program> {
    let platform = if std::env::consts::ARCH == "aarch64" { "arm64" } else { "x64" };
    let path = format!("npm/node_modules/@restatedev/restate-server-linux-{platform}/bin/restate-server");
    let (dir, ingress, admin) = (tempfile::tempdir()?, free_address()?, free_address()?);
    let mut command = Command::new(installed(&path)?);
    command.args(["--no-logo", "--listen-mode", "tcp", "--bind-ip", "127.0.0.1", "--node-name", "peer"]);
    command.args(["--bind-port", &free_address()?.port().to_string()]).arg("--base-dir").arg(dir.path().join("data"));
    command.env("RESTATE_DISABLE_TELEMETRY", "true").env("RESTATE_INGRESS__BIND_ADDRESS", ingress.to_string());
    command.env("RESTATE_ADMIN__BIND_ADDRESS", admin.to_string());
    command.env("RESTATE_WORKER__INVOKER__CONCURRENT_INVOCATIONS_LIMIT", "1");
    let mut program = Program::of_others(command, ingress, dir)?;
    let service = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let deployment = format!(r#"{{"uri":"http://{}","use_http_11":true}}"#, service.local_addr()?);
    let routes = Router::new()
        .route("/discover", get(|| async { ([("content-type", MANIFEST_TYPE)], MANIFEST) }))
        .route("/invoke/{service}/{handler}", post(std::future::pending::<()>));
    // It ends with the benchmark.
    tokio::spawn(async move { axum::serve(service, routes).await });
    // Another client of this process may have installed it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build()?;
    let begun = Instant::now();
    loop {
        let post = client.post(format!("http://{admin}/deployments")).header("content-type", "application/json");
        match post.body(deployment.clone()).send().await.and_then(reqwest::Response::error_for_status) {
            Ok(_) => return Ok(program),
            Err(error) if program.has_ended() || begun.elapsed() > PATIENCE => {
                return Err(format!("it takes no service ({error})").into());
            }
            Err(_) => tokio::time::sleep(LOOK).await,
        }
    }
}
