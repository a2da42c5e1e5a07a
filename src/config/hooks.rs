//! Where others are told of what happens: the platform's receiver, and the robots of the people on watch.

use std::{fmt, str::FromStr, time::Duration};

use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::WebhookSecret;

/// The address of a receiver. Robots have their key in it, so it is never shown whole.
#[derive(Clone)]
pub struct HookUrl {
    text: SecretString,
    host: String,
}

impl HookUrl {
    /// As it was written.
    pub fn text(&self) -> &str {
        self.text.expose_secret()
    }

    /// The host alone, which may be shown.
    pub fn host(&self) -> &str {
        &self.host
    }
}

impl fmt::Debug for HookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HookUrl({}, the rest hidden)", self.host)
    }
}

impl FromStr for HookUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url =
            Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.fragment().is_none());
        match url.as_ref().and_then(Url::host_str) {
            Some(host) => Ok(Self { text: text.to_owned().into(), host: host.to_owned() }),
            None => Err("write an address such as https://platform.example/hooks/erp"),
        }
    }
}

/// `[writeback]` (`contract.md` §7)
#[derive(Debug, Clone)]
pub struct WriteBackConfig {
    /// Where the platform listens; without it nothing is told.
    pub url: Option<HookUrl>,
    /// What the messages are signed with.
    pub secret: Option<WebhookSecret>,
    /// Tell of events that succeeded, too.
    pub succeeded: bool,
    /// How long the platform may take to answer.
    pub timeout: Duration,
}

/// What understands an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetKind {
    /// 企业微信.
    WeCom,
    /// 钉钉.
    DingTalk,
    /// 飞书.
    Feishu,
    /// A program: signed by the Standard Webhooks scheme where there is a secret.
    Webhook,
}

impl TargetKind {
    /// Its word in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WeCom => "wecom",
            Self::DingTalk => "dingtalk",
            Self::Feishu => "feishu",
            Self::Webhook => "webhook",
        }
    }
}

/// One of `[[alerts.targets]]`.
#[derive(Debug, Clone)]
pub struct AlertTarget {
    /// What it is.
    pub kind: TargetKind,
    /// Where it is.
    pub url: HookUrl,
    /// What it is convinced by; 企业微信 has the key in the address alone.
    pub secret: Option<SecretString>,
}

impl AlertTarget {
    /// By which the same robot is known again, wherever it stands in the list; tells nothing of its key.
    pub fn fingerprint(&self) -> String {
        let hash = Sha256::new().chain_update(self.kind.as_str()).chain_update([0]).chain_update(self.url.text());
        hex::encode(&hash.finalize()[..8])
    }
}

/// `[alerts]`
#[derive(Debug, Clone)]
pub struct AlertsConfig {
    /// Each message goes to the first of them that takes it; without any nothing is watched.
    pub targets: Vec<AlertTarget>,
    /// One message a cause and so long.
    pub interval: Duration,
    /// A cause must be gone for so long before the all-clear.
    pub clear_after: Duration,
    /// The minute of the day, in the ERP's zone, at which the summary is sent; `None` sends none.
    pub daily_summary: Option<DayMinute>,
    /// The oldest waiting event may be this old; zero turns the alert off.
    pub backlog_age: Duration,
    /// The circuit may be open for so long.
    pub circuit_open_for: Duration,
    /// An old webhook secret may be in use beside the newest for so long.
    pub old_secret_for: Duration,
    /// Quote the ERP's own words, which may be personal.
    pub details: bool,
}

/// A minute of the day, `09:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayMinute(pub u16);

impl FromStr for DayMinute {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let two = |text: &str, max: u16| {
            let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse::<u16>().ok().filter(|number| digits && *number <= max)
        };
        let minute = text.split_once(':').and_then(|(hours, minutes)| Some(two(hours, 23)? * 60 + two(minutes, 59)?));
        minute.map(Self).ok_or("write a time of day such as \"09:00\"")
    }
}

impl Default for WriteBackConfig {
    fn default() -> Self {
        Self { url: None, secret: None, succeeded: false, timeout: Duration::from_secs(15) }
    }
}

impl Default for AlertsConfig {
    fn default() -> Self {
        Self {
            targets: Vec::new(),
            interval: Duration::from_secs(600),
            clear_after: Duration::from_secs(120),
            daily_summary: Some(DayMinute(9 * 60)),
            backlog_age: Duration::from_secs(1_800),
            circuit_open_for: Duration::from_secs(300),
            old_secret_for: Duration::from_secs(86_400),
            details: false,
        }
    }
}
