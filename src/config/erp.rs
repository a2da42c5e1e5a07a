//! The ERP's address and the form of its calls.

use std::{fmt, str::FromStr};

use reqwest::Url;

/// `http://host[:port]`, perhaps with the folder that the ERP is installed in; no slash at the end, no account, no query.
/// Empty only in [`Config::default`](super::Config), which no loaded configuration equals.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BaseUrl {
    text: String,
    is_https: bool,
}

impl BaseUrl {
    /// As it was written, without the slash that some write behind it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether calls are encrypted.
    pub fn is_https(&self) -> bool {
        self.is_https
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for BaseUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_bare = |url: &Url| {
            let nobody = url.username().is_empty() && url.password().is_none();
            nobody && url.query().is_none() && url.fragment().is_none()
        };
        let is_web = |url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host();
        match Url::parse(text) {
            Ok(url) if is_web(&url) && is_bare(&url) => {
                Ok(Self { text: text.trim_end_matches('/').to_owned(), is_https: url.scheme() == "https" })
            }
            _ => Err(
                "write the ERP's address alone, such as http://192.168.1.10 or https://erp.example:8443; the account stands in erp.username and erp.password (账号密码另填)",
            ),
        }
    }
}

/// The `Content-Type` of the calls that are not v3 (`erp-wire.md` §1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentType {
    /// 32.x
    Json,
    /// Older versions.
    Zsml,
}

impl ContentType {
    /// The header's value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Zsml => "application/zsml; charset=utf-8",
        }
    }
}
