//! `erp-bridge serve`

use clap::Args;

use super::{ConfigFile, Outcome};
use crate::{
    app::{App, Ended, StartOptions},
    clock::Clock,
    config::Written,
    lifecycle::obey,
    os::Signals,
    telemetry::logging,
};

/// Runs the bridge until SIGTERM or Ctrl-C; SIGHUP re-reads secrets, tokens, the ERP's account, the rules, log.filter and the
/// certificate.
#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    file: ConfigFile,
    /// Only check the ledger's schema, do not change it
    #[arg(long)]
    no_migrate: bool,
}

impl Serve {
    pub(super) async fn run(self) -> Outcome {
        let place = self.file.place();
        let config = place.load()?;
        let logging = logging::init(&config.log);
        let signals = Signals::listen()?;
        let options = StartOptions { migrate: !self.no_migrate, ..StartOptions::default() };
        let app = match App::start(&config, options).await {
            Ok(app) => app,
            // A supervisor tries again.
            Err(error) if error.may_pass() => {
                eprintln!("{error}");
                return Ok(false);
            }
            Err(error) => return Err(error.into()),
        };
        println!("listening on {}", app.url(app.address));
        if let Some(address) = app.admin_address {
            println!("everything but webhooks and probes on {}", app.url(address));
        }
        tracing::info!(address = %app.address, ledger = app.store.mode(), "the bridge is at work");
        for warning in place.warnings().into_iter().chain(config.warnings(Clock::system().now())) {
            tracing::warn!("{warning}");
        }
        let stop = app.stop_token();
        let reload = || match place.load_again(&config).map_err(|error| error.to_string()) {
            Ok((config, unread)) => {
                for error in unread {
                    tracing::error!(%error, "the old authorities stay; a start with these would fail");
                }
                logging.change(&config.log.filter);
                if let Err(error) = app.renew_certificate() {
                    tracing::error!(%error, "the old certificate stays");
                }
                let waiting = app.reload(&config);
                tracing::info!("read again and in force: {}", Written::TAKEN_AT_ONCE.join(", "));
                if !waiting.is_empty() {
                    tracing::warn!("changed, and in force only after a restart (重启后生效): {}", waiting.join(", "));
                }
            }
            Err(error) => tracing::error!(error, "the configuration cannot be taken; everything stays as it was"),
        };
        let ended = tokio::select! {
            never = obey(signals, stop, reload) => match never {},
            ended = app.ended() => ended,
        };
        Ok(has_done_its_work(ended))
    }
}

/// Says how the bridge ended. Whoever watches the process starts one that crashed again, and leaves one alone that was
/// stopped.
fn has_done_its_work(ended: Ended) -> bool {
    match ended {
        Ended::Cleanly => tracing::info!("ended; nothing is half done"),
        Ended::Cut => tracing::warn!("ended; what was cut resumes at the next start"),
        Ended::Crashed(part) => {
            tracing::error!(part, "a part of the bridge crashed; what was in hand resumes at the next start");
        }
    }
    !matches!(ended, Ended::Crashed(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_bridge_of_which_a_part_crashed_has_failed() {
        for (ended, expected) in [(Ended::Cleanly, true), (Ended::Cut, true), (Ended::Crashed("the dispatcher"), false)]
        {
            assert_eq!(has_done_its_work(ended), expected, "{ended:?}");
        }
    }
}
