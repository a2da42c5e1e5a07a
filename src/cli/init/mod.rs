//! `erp-bridge init`

mod erp;
mod questions;
mod written;

use std::path::PathBuf;

use clap::Args;
use secrecy::{ExposeSecret, SecretString};

use self::{erp::ErpChoices, questions::Questions, written::Answers};
use super::Outcome;
use crate::config::{Config, DEFAULT_FILE};

/// Writes a configuration with fresh secrets, and what the platform and the operator need to call the bridge. Asks for what
/// no flag says, tries the ERP's login once, and offers the ERP's own choices.
#[derive(Debug, Args)]
pub(super) struct Init {
    /// The configuration to write; never over another file
    #[arg(long, value_name = "FILE", default_value = DEFAULT_FILE)]
    config: PathBuf,
    /// The platform's side to write: address and secret
    #[arg(long, value_name = "FILE", default_value = "erp-bridge-platform.env")]
    platform_file: PathBuf,
    /// The operator's token to write, for --token-file
    #[arg(long, value_name = "FILE", default_value = "erp-bridge-token.txt")]
    token_file: PathBuf,
    /// The ERP's address, such as http://192.168.1.10
    #[arg(long)]
    base_url: Option<String>,
    /// A PEM file with the authority that vouches for the ERP's certificate, if it is one's own
    #[arg(long, value_name = "FILE")]
    ca_cert: Option<String>,
    /// The ERP account
    #[arg(long)]
    username: Option<String>,
    /// A file that holds the account's password and nothing else
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// The account's password; better --password-file or the environment
    #[arg(long, env = "ERP_BRIDGE_PASSWORD", hide_env_values = true)]
    password: Option<SecretString>,
    /// serialnum of the login: a name for this client
    #[arg(long)]
    serial: Option<String>,
    /// Where the bridge listens
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: String,
    /// The ledger
    #[arg(long, default_value = "sqlite://erp-bridge.db")]
    database: String,
    /// The address at which the platform and people reach the bridge; for the platform http:// and --listen unless given
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// 客户来源, as the ERP writes it
    #[arg(long)]
    source: Option<String>,
    /// 客户分类, as the ERP writes it
    #[arg(long)]
    category: Option<String>,
    /// 跟进程度, as the ERP writes it
    #[arg(long)]
    stage: Option<String>,
    /// 跟进程度 after a deal, as the ERP writes it; - leaves it as it is
    #[arg(long)]
    stage_after_deal: Option<String>,
    /// Salespeople who get new customers in turn: the ERP's ids, separated by commas; empty leaves them to the ERP
    #[arg(long)]
    users: Option<String>,
    /// Do not call the ERP
    #[arg(long)]
    no_erp: bool,
    /// Ask nothing: what no flag says has its default, or is an error
    #[arg(long)]
    yes: bool,
}

impl Init {
    pub(super) async fn run(self) -> Outcome {
        for file in [&self.config, &self.platform_file, &self.token_file] {
            if file.exists() {
                return Err(
                    format!("{}: 已存在，不会覆盖 (is there already and is not written over)", file.display()).into()
                );
            }
        }
        let mut questions = Questions::new(!self.yes);
        let mut answers = self.ask(&mut questions)?;
        let config = answers.config(&self.config)?;
        if !self.no_erp {
            match ErpChoices::read(&config).await {
                Ok(choices) => choices.choose(&self, &mut questions, &mut answers)?,
                Err(error) => {
                    eprintln!(
                        "ERP 登录失败，未写入任何文件；登录只试一次，改正后再运行，或加 --no-erp \
                         (the login failed and was tried once; nothing was written: put it right, or --no-erp):\n  {error}"
                    );
                    return Ok(false);
                }
            }
        }
        answers.config(&self.config)?;
        written::write_private(&self.config, &answers.toml())?;
        let url = self.public_url.clone().unwrap_or_else(|| format!("http://{}", self.listen));
        written::write_private(&self.platform_file, &answers.platform(&url))?;
        written::write_private(&self.token_file, &format!("{}\n", answers.token.expose_secret()))?;
        let (config, platform, token) =
            (self.config.display(), self.platform_file.display(), self.token_file.display());
        println!("{config}  配置 (configuration)");
        println!("{platform}  交给微信中台：地址和签名密钥 (for the platform: address and secret)");
        println!("{token}  运维令牌 (the operator's token)");
        println!("下一步 (next): erp-bridge check --config {config} && erp-bridge serve --config {config}");
        Ok(true)
    }

    /// What the login and the file need.
    fn ask(&self, questions: &mut Questions) -> Result<Answers, String> {
        let base_url = questions.text(
            "ERP 地址，如 http://192.168.1.10 (the ERP's address)",
            "--base-url",
            self.base_url.as_deref(),
            None,
        )?;
        let username = questions.text("ERP 账号 (the ERP account)", "--username", self.username.as_deref(), None)?;
        let password = match (&self.password_file, &self.password) {
            (Some(file), _) => {
                let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
                text.trim_end_matches(['\r', '\n']).to_owned().into()
            }
            (None, Some(password)) => password.clone(),
            (None, None) => questions.secret("ERP 密码 (the account's password)", "--password-file")?,
        };
        let serial = questions.text(
            "登录序列号 serialnum (a name for this client)",
            "--serial",
            self.serial.as_deref(),
            Some("erp-bridge-01"),
        )?;
        let mut answers =
            Answers::new(base_url, username, password, serial, self.listen.clone(), self.database.clone());
        answers.public_url.clone_from(&self.public_url);
        answers.ca_cert.clone_from(&self.ca_cert);
        Ok(answers)
    }
}

impl Answers {
    /// The configuration that these answers make.
    fn config(&self, file: &std::path::Path) -> Result<Config, String> {
        let (name, text) = (file.display().to_string(), self.toml());
        Config::from_sources(Some((&name, &text)), std::iter::empty()).map_err(|error| error.to_string())
    }
}
