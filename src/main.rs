//! `erp-bridge`: parse the command line, run one command.

use std::process::ExitCode;

use clap::Parser;
use erp_bridge::{cli::Cli, os};

/// Gives memory back on systems whose own allocator hoards it (musl).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    os::run(command)
}

#[tokio::main]
async fn command() -> ExitCode {
    Cli::parse().run().await
}
