//! The command line: one file a command.
//!
//! Exit codes: 0 done, 1 done with a negative answer (a refused event, a failed check), or a bridge that could not start or
//! of which a part crashed, 2 wrong use or configuration; `check` of a wrong configuration is a failed check.

mod adopt;
mod alert;
mod backup;
mod check;
mod health;
mod init;
mod send;
mod serve;
mod survey;

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};

use crate::config::Place;

/// Signed WeChat-platform events in, exactly-once records in 智邦国际 ERP out.
#[derive(Debug, Parser)]
#[command(name = "erp-bridge", version, about)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the bridge
    Serve(serve::Serve),
    /// Write a configuration with fresh secrets, by flags or a few questions
    Init(Box<init::Init>),
    /// Try configuration, store, ERP login and every configured choice; exit 1 if any does not hold
    Check(check::Check),
    /// Link contacts that the ERP has as customers already, before their first event (存量客户认领)
    Adopt(adopt::Adopt),
    /// Learn how the ERP behaves here; a report without personal data and a profile for zhibang-sim
    Survey(survey::Survey),
    /// Try the targets of alerts (告警)
    Alert(alert::Alert),
    /// Sign event files and post them
    Send(send::Send),
    /// Print the OpenAPI document
    Openapi,
    /// Copy a SQLite ledger while it is in use
    Backup(backup::Backup),
    /// Ask a running bridge whether it is ready (for container health checks)
    Health(health::Health),
}

/// Where the configuration is.
#[derive(Debug, Clone, Args)]
struct ConfigFile {
    /// The TOML file; without it erp-bridge.toml if it exists, and the environment (ERP_BRIDGE__…)
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl ConfigFile {
    fn place(&self) -> Place {
        Place { file: self.config.clone() }
    }
}

impl Cli {
    /// Runs the command; prints for people, errors to standard error.
    pub async fn run(self) -> ExitCode {
        let outcome = match self.command {
            Command::Serve(serve) => serve.run().await,
            Command::Init(init) => init.run().await,
            Command::Check(check) => check.run().await,
            Command::Adopt(adopt) => adopt.run().await,
            Command::Survey(survey) => survey.run().await,
            Command::Alert(alert) => alert.run().await,
            Command::Send(send) => send.run().await,
            Command::Openapi => {
                print!("{}", crate::http::document());
                Ok(true)
            }
            Command::Backup(backup) => backup.run().await,
            Command::Health(health) => health.run().await,
        };
        match outcome {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::from(1),
            Err(error) => {
                eprintln!("{error}");
                ExitCode::from(2)
            }
        }
    }
}

/// `Ok(false)` is a negative answer, or a bridge that could not start or crashed; an error is wrong use or configuration.
type Outcome = Result<bool, Box<dyn std::error::Error>>;
