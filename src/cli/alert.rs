//! `erp-bridge alert --test`

use clap::Args;

use super::{ConfigFile, Outcome};
use crate::{clock::Clock, notify::alerts::try_targets};

/// Sends a test message to every target of [[alerts.targets]]; exit 1 if one does not take it.
#[derive(Debug, Args)]
pub(super) struct Alert {
    #[command(flatten)]
    file: ConfigFile,
    /// Send the test message
    #[arg(long, required = true)]
    test: bool,
}

impl Alert {
    pub(super) async fn run(self) -> Outcome {
        let config = self.file.place().load()?;
        if config.alerts.targets.is_empty() {
            println!("✗ alerts.targets 为空，没有可测试的目标 (nobody is told: alerts.targets is empty)");
            return Ok(false);
        }
        let tried = try_targets(&config, &Clock::system()).await?;
        for target in &tried {
            match &target.refusal {
                None => println!("✓ {} {}", target.kind, target.host),
                Some(why) => println!("✗ {} {}: {why}", target.kind, target.host),
            }
        }
        Ok(tried.iter().all(|target| target.refusal.is_none()))
    }
}
