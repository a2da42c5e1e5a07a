//! `erp-bridge adopt`

mod apart;
mod bridge;
mod contacts;
mod progress;
mod spreadsheet;

use std::{cell::RefCell, collections::BTreeMap, path::PathBuf};

use clap::Args;
use futures::stream;
use secrecy::SecretString;

use self::{bridge::Bridge, contacts::ContactsFile, progress::Progress, spreadsheet::Spreadsheet};
use super::{ConfigFile, Outcome};
use crate::{
    app::{AdoptOrder, LoneAdopter, StartError},
    config::Config,
    http::{AdoptedContact, AdoptionOutcome},
    store::{Actor, OpenError},
    telemetry::printable::one_line,
};

/// Looks contacts of the platform up in the ERP and links those that are customers already (存量客户认领). Only reads, until
/// --apply; even then only links are written, never anything to the ERP. Run again it goes on where it ended.
#[derive(Debug, Args)]
pub(super) struct Adopt {
    #[command(flatten)]
    file: ConfigFile,
    /// The platform's contacts: .csv with the columns id, name, phone, company, wechat_id, erp_ord, erp_khid, or .jsonl
    #[arg(long, value_name = "FILE")]
    contacts: PathBuf,
    /// Write the links
    #[arg(long)]
    apply: bool,
    /// Write what became of each contact into this file, a CSV for a spreadsheet
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Let a running bridge do it, such as http://127.0.0.1:8080; a SQLite ledger is one process's
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// A PEM file with the authority that vouches for the certificate at --url, if it is one's own
    #[arg(long, value_name = "FILE", requires = "url")]
    ca_cert: Option<PathBuf>,
    /// A token with the scope operate, for --url
    #[arg(long, env = "ERP_BRIDGE_TOKEN", hide_env_values = true)]
    token: Option<SecretString>,
    /// A file that holds the token and nothing else; it comes before --token
    #[arg(long, value_name = "FILE", env = "ERP_BRIDGE_TOKEN_FILE")]
    token_file: Option<PathBuf>,
}

impl Adopt {
    pub(super) async fn run(self) -> Outcome {
        let contacts = ContactsFile::open(&self.contacts)?;
        contacts.notices.iter().for_each(|notice| eprintln!("{notice}"));
        let spreadsheet = self.out.as_deref().map(|out| Spreadsheet::create(out, &self.contacts)).transpose()?;
        let report = RefCell::new(Report::new(Progress::of(contacts.count), spreadsheet));
        let each = |row: AdoptedContact| report.borrow_mut().add(&row, &contacts);
        let ended = match &self.url {
            Some(url) => {
                let bridge = Bridge::new(url, self.token()?, self.ca_cert.as_deref())?;
                bridge.adopt(&contacts, self.apply, each).await
            }
            None => self.alone(&contacts, each).await,
        };
        let fine = report.into_inner().finish()?;
        ended?;
        Ok(fine)
    }

    async fn alone(
        &self,
        contacts: &ContactsFile,
        each: impl FnMut(AdoptedContact),
    ) -> Result<(), Box<dyn std::error::Error>> {
        let config = self.file.place().load()?;
        let alone = LoneAdopter::open(&config).await.map_err(|error| self.advise(&config, error))?;
        let order = AdoptOrder { actor: Actor::from("adopt"), apply: self.apply };
        let ended = alone.adopter.adopt(stream::iter(contacts.lines()?), &order, each).await;
        alone.close().await;
        ended.map_err(|error| {
            format!("{error}\n已中断：再次运行会从中断处继续 (it ended early; run again, it goes on where it ended)")
                .into()
        })
    }

    /// A bridge that works on the ledger can do it.
    fn advise(&self, config: &Config, error: StartError) -> String {
        let StartError::Ledger(OpenError::InUse(_)) = &error else { return error.to_string() };
        let listen = config.server.admin_listen.as_ref().unwrap_or(&config.server.listen);
        let apply = if self.apply { " --apply" } else { "" };
        format!(
            "{error}\n请让正在运行的程序来做 (let the running bridge do it):\n  \
             erp-bridge adopt --contacts {} --url http://{listen} --token-file TOKEN_FILE{apply}",
            self.contacts.display()
        )
    }

    fn token(&self) -> Result<SecretString, String> {
        match (&self.token_file, &self.token) {
            (Some(file), _) => {
                let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
                Ok(text.trim().to_owned().into())
            }
            (None, Some(token)) => Ok(token.clone()),
            (None, None) => Err("--url needs --token-file or --token, a token with the scope operate".into()),
        }
    }
}

/// What is told of the contacts: a line each, the spreadsheet, the counts in the end.
struct Report {
    progress: Progress,
    spreadsheet: Option<Spreadsheet>,
    counts: BTreeMap<AdoptionOutcome, usize>,
    fault: Option<String>,
}

impl Report {
    fn new(progress: Progress, spreadsheet: Option<Spreadsheet>) -> Self {
        println!("{:>6}  {:<38}  {:<14}  {:<22}  说明 (what it means)", "行", "联系人 (contact)", "结果", "ERP 客户");
        Self { progress, spreadsheet, counts: BTreeMap::new(), fault: None }
    }

    fn add(&mut self, row: &AdoptedContact, contacts: &ContactsFile) {
        println!("{}", line_of(row));
        let given = contacts.given(row.line);
        if let Some(spreadsheet) = &mut self.spreadsheet
            && let Err(error) = spreadsheet.write(row, &given)
        {
            self.fault.get_or_insert(error);
        }
        *self.counts.entry(row.outcome).or_default() += 1;
        self.progress.step();
    }

    /// Prints the counts; answers whether every line was a contact that the ERP answered for.
    fn finish(mut self) -> Result<bool, Box<dyn std::error::Error>> {
        self.progress.end();
        println!();
        for (outcome, count) in &self.counts {
            println!("{count:>8}  {:<14}  {}", outcome.as_str(), outcome.words());
        }
        if let Some(spreadsheet) = self.spreadsheet
            && let Err(error) = spreadsheet.finish()
        {
            self.fault.get_or_insert(error);
        }
        match self.fault {
            Some(fault) => Err(fault.into()),
            None => {
                Ok(![AdoptionOutcome::Invalid, AdoptionOutcome::Failed].iter().any(|bad| self.counts.contains_key(bad)))
            }
        }
    }
}

fn line_of(row: &AdoptedContact) -> String {
    let customer = row.ord.map_or_else(String::new, |ord| {
        let rule = row.matched_by.map_or_else(String::new, |rule| format!(" [{rule}]"));
        format!("{ord} {}{rule}", row.name.as_deref().unwrap_or_default())
    });
    let contact = row.contact_id.as_deref().unwrap_or("-");
    let (outcome, message) = (row.outcome.as_str(), &row.message);
    let candidates = row.candidates.iter().map(spreadsheet::candidate).collect::<Vec<_>>().join("; ");
    one_line(&format!("{:>6}  {contact:<38}  {outcome:<14}  {customer:<22}  {message}  {candidates}", row.line))
}
