//! `zhibang-sim`: the ERP simulator as a program. Flags become a [`SimConfig`]; `docs/simulator.md` is its manual.

use std::{process::ExitCode, time::Duration};

use clap::Parser;
use erp_bridge::{
    os::{Signals, Told},
    simulator::{self, FaultRule, Profile, Quirk, Quirks, Settings, SimConfig},
};

/// A stand-in for 智邦国际 ERP: real HTTP, data in memory, faults on demand under /__control.
#[derive(Debug, Parser)]
#[command(name = "zhibang-sim", version)]
struct Flags {
    /// Where to listen; port 0 takes a free one. The first line on standard output says which.
    #[arg(long, default_value = "127.0.0.1:46088")]
    listen: String,
    /// An installation to behave like: a built-in profile (live-32) or a JSON file such as a survey writes. Other flags come on top.
    #[arg(long, value_name = "NAME|FILE", value_parser = Profile::load)]
    profile: Option<Profile>,
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
    #[arg(long, value_parser = humantime::parse_duration)]
    latency: Option<Duration>,
    /// A second login of an account ends its first session.
    #[arg(long)]
    single_session: bool,
    /// How long a session lives, such as 30m; 2h unless given.
    #[arg(long, value_parser = humantime::parse_duration)]
    session_lifetime: Option<Duration>,
}

impl Flags {
    /// The profile, or a simulator without one, with the flags that were given on top.
    fn config(self) -> Result<SimConfig, String> {
        let config = self.profile.unwrap_or_default().config()?;
        let quirks = match self.quirks.as_deref() {
            Some("all") => Quirks::all(),
            Some(_) => Quirks::only([]),
            None => config.quirks,
        };
        let known = config.settings;
        let settings = Settings {
            password: self.password,
            single_session: self.single_session || known.single_session,
            session_lifetime_s: self.session_lifetime.map_or(known.session_lifetime_s, |lifetime| lifetime.as_secs()),
            latency_ms: self.latency.map_or(known.latency_ms, milliseconds),
            ..known
        };
        Ok(SimConfig {
            listen: self.listen,
            username: self.username,
            seed: self.seed,
            quirks: quirks.and(self.quirk),
            faults: self.faults,
            settings,
            ..config
        })
    }
}

fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[tokio::main]
async fn main() -> ExitCode {
    let flags = Flags::parse();
    let listen = flags.listen.clone();
    let config = match flags.config() {
        Ok(config) => config,
        Err(why) => {
            eprintln!("zhibang-sim: {why}");
            return ExitCode::FAILURE;
        }
    };
    match run(config).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("zhibang-sim: cannot serve on {listen}: {why}; choose another address with --listen");
            ExitCode::FAILURE
        }
    }
}

async fn run(config: SimConfig) -> std::io::Result<()> {
    let mut signals = Signals::listen()?;
    let until = async { while signals.next().await != Told::Stop {} };
    simulator::serve(config, until).await
}
