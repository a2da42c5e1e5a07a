//! `zhibang-sim`: the ERP simulator as a program. Flags become a [`SimConfig`]; `docs/simulator.md` is its manual.

use std::{process::ExitCode, time::Duration};

use clap::Parser;
use erp_bridge::simulator::{self, FaultRule, Quirk, Quirks, Settings, SimConfig};
use tokio::signal::unix::{SignalKind, signal};

/// A stand-in for 智邦国际 ERP: real HTTP, data in memory, faults on demand under /__control.
#[derive(Debug, Parser)]
#[command(name = "zhibang-sim", version)]
struct Flags {
    /// Where to listen; port 0 takes a free one. The first line on standard output says which.
    #[arg(long, default_value = "127.0.0.1:46088")]
    listen: String,
    /// The account that may log in (a demonstration value).
    #[arg(long, default_value = "admin")]
    username: String,
    /// Its password (a demonstration value).
    #[arg(long, default_value = "123456")]
    password: String,
    /// Seeds every random decision; the same seed and calls give the same answers.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// A quirk of live systems in every answer; repeatable.
    #[arg(long = "quirk", value_name = "NAME")]
    quirk: Vec<Quirk>,
    /// `all` mixes every quirk, another half of them in each answer; `none` switches off those that are on by default.
    #[arg(long, value_name = "all|none", value_parser = ["all", "none"])]
    quirks: Option<String>,
    /// A fault rule such as `progress.add:cut_after:p=0.05`; repeatable.
    #[arg(long = "fault", value_name = "INTERFACE:KIND[:OPTIONS]")]
    faults: Vec<FaultRule>,
    /// Added to every answer, such as 50ms.
    #[arg(long, value_parser = humantime::parse_duration, default_value = "0s")]
    latency: Duration,
    /// A second login of an account ends its first session.
    #[arg(long)]
    single_session: bool,
    /// How long a session lives, such as 2h.
    #[arg(long, value_parser = humantime::parse_duration, default_value = "2h")]
    session_lifetime: Duration,
}

impl From<Flags> for SimConfig {
    fn from(flags: Flags) -> Self {
        let quirks = match flags.quirks.as_deref() {
            Some("all") => Quirks::all(),
            Some(_) => Quirks::only([]),
            None => Quirks::default(),
        };
        let settings = Settings {
            password: flags.password,
            single_session: flags.single_session,
            session_lifetime_s: flags.session_lifetime.as_secs(),
            latency_ms: u64::try_from(flags.latency.as_millis()).unwrap_or(u64::MAX),
            ..Settings::default()
        };
        Self {
            listen: flags.listen,
            username: flags.username,
            seed: flags.seed,
            quirks: quirks.and(flags.quirk),
            faults: flags.faults,
            settings,
            ..Self::default()
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let flags = Flags::parse();
    let listen = flags.listen.clone();
    match run(flags.into()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("zhibang-sim: cannot serve on {listen}: {why}; choose another address with --listen");
            ExitCode::FAILURE
        }
    }
}

async fn run(config: SimConfig) -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let until = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    simulator::serve(config, until).await
}
