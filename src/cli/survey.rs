//! `erp-bridge survey`

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;

use super::{ConfigFile, Outcome};
use crate::{
    app::{self, Surveyed},
    survey::{Report, profile, table},
};

/// Learns how the ERP behaves where the bridge runs. Reads only, unless --write-one; the report holds no names, numbers or texts
#[derive(Debug, Args)]
pub(super) struct Survey {
    #[command(flatten)]
    file: ConfigFile,
    /// Also add one customer that says what it is, edit it, record on it, take it back, and log in a second time
    #[arg(long)]
    write_one: bool,
    /// A directory for survey.txt, survey.json and profile.json (for zhibang-sim --profile)
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print the ledger's newest survey of the configured ERP, and ask the ERP nothing
    #[arg(long, conflicts_with = "write_one")]
    show: bool,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
    /// Between two calls
    #[arg(long, value_parser = humantime::parse_duration, default_value = "200ms")]
    pause: Duration,
}

impl Survey {
    pub(super) async fn run(self) -> Outcome {
        let config = self.file.place().load()?;
        let Surveyed { report, not_kept } = if self.show {
            Surveyed { report: app::shown_survey(&config).await?, not_kept: None }
        } else {
            app::survey_erp(&config, self.pause, self.write_one).await?
        };
        if let Some(dir) = &self.out {
            write(dir, &report).map_err(|error| format!("{}: {error}", dir.display()))?;
        }
        if self.json {
            println!("{}", serde_json::to_string_pretty(&report)?);
        } else {
            print!("{}", table(&report));
        }
        if let Some(why) = not_kept {
            eprintln!("账本未保存本次调查 (the ledger does not keep this survey): {why}");
        }
        Ok(self.show || report.measured.writing_stopped.is_none())
    }
}

fn write(dir: &Path, report: &Report) -> io::Result<()> {
    std::fs::create_dir_all(dir)?;
    std::fs::write(dir.join("survey.txt"), table(report))?;
    std::fs::write(dir.join("survey.json"), serde_json::to_string_pretty(report)? + "\n")?;
    std::fs::write(dir.join("profile.json"), serde_json::to_string_pretty(&profile(report))? + "\n")
}
