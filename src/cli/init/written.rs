//! The files that are written.

use std::{fs::OpenOptions, io::Write, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::{
    config::{Level, MappingConfig},
    os,
};

/// Random bytes of a secret: what the Standard Webhooks scheme recommends.
const SECRET_BYTES: usize = 32;
/// Random bytes of a token.
const TOKEN_BYTES: usize = 24;
/// From this score on customers are assigned.
const ASSIGNED_FROM: u8 = 60;

/// Everything that the configuration says beyond the defaults.
pub(super) struct Answers {
    base_url: String,
    username: String,
    password: SecretString,
    serial: String,
    listen: String,
    database: String,
    secret: SecretString,
    /// Where people reach the bridge, too.
    pub(super) public_url: Option<String>,
    /// The file of the authority that vouches for the ERP's certificate, if it is one's own.
    pub(super) ca_cert: Option<String>,
    /// The operator's token; the configuration holds its hash.
    pub(super) token: SecretString,
    pub(super) source: String,
    pub(super) sort1: String,
    pub(super) sort: String,
    pub(super) stage: String,
    pub(super) stage_after_deal: String,
    pub(super) levels: Vec<Level>,
    pub(super) users: Vec<String>,
}

impl Answers {
    /// These, with fresh secrets and the defaults for what the ERP is asked.
    pub(super) fn new(
        base_url: String,
        username: String,
        password: SecretString,
        serial: String,
        listen: String,
        database: String,
    ) -> Self {
        let values = crate::config::ErpValues::default();
        Self {
            base_url,
            username,
            password,
            serial,
            listen,
            database,
            public_url: None,
            ca_cert: None,
            secret: format!("whsec_{}", STANDARD.encode(rand::random::<[u8; SECRET_BYTES]>())).into(),
            token: hex::encode(rand::random::<[u8; TOKEN_BYTES]>()).into(),
            source: values.source,
            sort1: values.sort1,
            sort: values.sort,
            stage: values.stage,
            stage_after_deal: values.stage_after_deal,
            levels: MappingConfig::default().levels,
            users: Vec::new(),
        }
    }

    /// The configuration.
    pub(super) fn toml(&self) -> String {
        // A text of JSON is one of TOML, too.
        let text = |text: &str| json!(text).to_string();
        let level = |level: &Level| {
            format!("    {{ min = {}, id = {}, text = {} }},\n", level.min, level.id, text(&level.text))
        };
        let levels: String = self.levels.iter().map(level).collect();
        let rules = if self.users.is_empty() {
            String::new()
        } else {
            format!("{{ min_score = {ASSIGNED_FROM}, users = {} }}", json!(self.users))
        };
        let public_url = match &self.public_url {
            Some(url) => format!("public_url = {}", text(url)),
            None => "# public_url = \"https://bridge.example\"".to_owned(),
        };
        let outbound = match &self.ca_cert {
            Some(file) => format!("[outbound]\nca_cert = {}\n\n", text(file)),
            None => String::new(),
        };
        format!(
            "# erp-bridge init 生成；全部配置项见 erp-bridge.example.toml (all keys: erp-bridge.example.toml)\n\n\
             [server]\nlisten = {}\n\n[database]\nurl = {}\n\n[webhook]\nsecrets = [{}]\n\n\
             [api]\ntokens = [{{ name = \"ops\", scope = \"operate\", token = \"sha256:{}\" }}]\n\n\
             [erp]\nbase_url = {}\nusername = {}\npassword = {}\nserial = {}\n\n\
             [erp.values]\nsort1 = {}\nsort = {}\nstage = {}\nstage_after_deal = {}\nsource = {}\n\n\
             [mapping]\nlevels = [\n{levels}]\n\n[assignment]\nrules = [{rules}]\n\n\
             {outbound}[console]\n# 人打开控制台的地址，告警中的链接由此而来 (where people reach the bridge: alerts link there)\n{public_url}\n",
            text(&self.listen),
            text(&self.database),
            text(self.secret.expose_secret()),
            hex::encode(Sha256::digest(self.token.expose_secret().as_bytes())),
            text(&self.base_url),
            text(&self.username),
            text(self.password.expose_secret()),
            text(&self.serial),
            text(&self.sort1),
            text(&self.sort),
            text(&self.stage),
            text(&self.stage_after_deal),
            text(&self.source),
        )
    }

    /// What the platform is handed.
    pub(super) fn platform(&self, url: &str) -> String {
        let target = format!("{}/webhooks/events", url.trim_end_matches('/'));
        format!("ERP_BRIDGE_URL={target}\nERP_BRIDGE_SECRET={}\n", self.secret.expose_secret())
    }
}

/// Writes a new file that only its owner can read.
pub(super) fn write_private(path: &Path, text: &str) -> Result<(), String> {
    let file = os::owner_only(OpenOptions::new().create_new(true).write(true)).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| format!("{}: {error}", path.display()))
}
