//! Where the ledger is, and where the bridge listens: read once, and used as they were read.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    str::FromStr,
};

use ipnet::IpNet;
use secrecy::{ExposeSecret, SecretString};
use sqlx::{postgres::PgConnectOptions, sqlite::SqliteConnectOptions};

/// `sqlite://FILE` or `postgres://USER:PASSWORD@HOST/DATABASE`. It may hold a password, so it is never printed.
#[derive(Clone)]
pub struct DatabaseUrl {
    text: SecretString,
    options: DatabaseOptions,
}

/// How a database is connected to.
#[derive(Clone)]
pub(crate) enum DatabaseOptions {
    /// A file.
    Sqlite(Box<SqliteConnectOptions>),
    /// A server that replicas may share.
    Postgres(Box<PgConnectOptions>),
}

impl Default for DatabaseUrl {
    /// A file in the working directory.
    fn default() -> Self {
        let options = SqliteConnectOptions::new().filename("erp-bridge.db");
        let text = "sqlite://erp-bridge.db".to_owned().into();
        Self { text, options: DatabaseOptions::Sqlite(Box::new(options)) }
    }
}

impl DatabaseUrl {
    pub(crate) fn options(&self) -> &DatabaseOptions {
        &self.options
    }
}

impl ExposeSecret<str> for DatabaseUrl {
    fn expose_secret(&self) -> &str {
        self.text.expose_secret()
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DatabaseUrl(hidden)")
    }
}

impl FromStr for DatabaseUrl {
    type Err = &'static str;

    /// A ledger in memory is refused: it would lose what was acknowledged.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let lasts = !text.contains(":memory:") && !text.contains("mode=memory") && !text.contains(char::is_control);
        let options = match text.split_once("://").filter(|(_, rest)| lasts && !rest.trim().is_empty()) {
            Some(("sqlite", _)) => text.parse().ok().map(Box::new).map(DatabaseOptions::Sqlite),
            Some(("postgres" | "postgresql", _)) => text.parse().ok().map(Box::new).map(DatabaseOptions::Postgres),
            _ => None,
        };
        match options {
            Some(options) => Ok(Self { text: text.to_owned().into(), options }),
            None => Err("write sqlite://FILE (not memory) or postgres://USER:PASSWORD@HOST/DATABASE"),
        }
    }
}

/// An address, or a host's name, and a port to listen at; port 0 takes a free one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenAddress {
    host: String,
    port: u16,
}

impl Default for ListenAddress {
    fn default() -> Self {
        Self { host: "127.0.0.1".to_owned(), port: 8080 }
    }
}

impl ListenAddress {
    /// As a socket is bound to it.
    pub fn host_and_port(&self) -> (&str, u16) {
        (&self.host, self.port)
    }

    /// Whether nobody else can have this very address.
    pub(super) fn is_fixed(&self) -> bool {
        self.port != 0
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

impl FromStr for ListenAddress {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_name = |host: &&str| {
            let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
            !host.is_empty() && host.chars().all(allowed)
        };
        let named = || {
            let (host, port) = text.rsplit_once(':').filter(|(host, _)| is_name(host))?;
            Some(Self { host: host.to_owned(), port: port.parse().ok()? })
        };
        match text.parse::<SocketAddr>() {
            Ok(address) => Ok(Self { host: address.ip().to_string(), port: address.port() }),
            Err(_) => named().ok_or("write an address and a port, such as \"127.0.0.1:8080\" or \"[::]:8080\""),
        }
    }
}

/// An address or a network: `10.0.0.7`, `10.0.0.0/8`, `2001:db8::/64`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network(IpNet);

impl Network {
    /// Whether an address, in its canonical form, belongs to it.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address)
    }
}

impl FromStr for Network {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let address = text.parse::<IpAddr>().map(|address| IpNet::from(address.to_canonical()));
        let network = address.or_else(|_| text.parse());
        network.map(Self).map_err(|_| "write an address such as \"10.0.0.7\" or a network such as \"10.0.0.0/8\"")
    }
}

/// Where the certificate and its key are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// PEM: the certificate, then those above it.
    pub cert: PathBuf,
    /// PEM: its private key.
    pub key: PathBuf,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_as_it_is_written() {
        for text in ["127.0.0.1:0", "[::]:8080", "localhost:65535"] {
            assert_eq!(text.parse::<ListenAddress>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_database_s_password_is_not_printed() {
        let url: DatabaseUrl = "postgres://u:hidden-word@h/d".parse().unwrap();
        assert!(!format!("{url:?}").contains("hidden-word"));
        assert_eq!(url.expose_secret(), "postgres://u:hidden-word@h/d");
    }
}
