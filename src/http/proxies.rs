//! Whose address a request has, where reverse proxies stand between its client and the bridge.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::http::HeaderMap;

use super::rates::Remote;
use crate::config::Network;

/// Each proxy adds the address that it saw at the end.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// The reverse proxies of `server.trusted_proxies`; nobody else's headers are believed.
#[derive(Debug, Clone, Default)]
pub struct Proxies(Arc<[Network]>);

impl Proxies {
    /// Those of these addresses and networks.
    pub fn new(trusted: &[Network]) -> Self {
        Self(trusted.into())
    }

    /// Whether this is one of them.
    pub(super) fn contain(&self, remote: Remote) -> bool {
        self.0.iter().any(|network| network.contains(remote.0.to_canonical()))
    }

    /// The client's address, as the trusted proxies between it and the bridge saw it: `X-Forwarded-For` is read from its end,
    /// the nearest proxy first, up to the first address that is no trusted proxy's. What stands before it anybody may have
    /// written; where something else than an address stands, the address behind it is the client's.
    pub(super) fn client(&self, peer: Remote, headers: &HeaderMap) -> Remote {
        let mut client = peer;
        let values = headers.get_all(FORWARDED_FOR).into_iter().rev();
        let mut hops = values.flat_map(|value| value.to_str().unwrap_or_default().rsplit(','));
        while self.contain(client) {
            let Some(address) = hops.next().and_then(|hop| address(hop.trim())) else { break };
            client = Remote(address);
        }
        client
    }
}

/// `203.0.113.9`, `2001:db8::1`, and both with a port, as some proxies write them.
fn address(hop: &str) -> Option<IpAddr> {
    let alone = hop.parse().ok();
    alone.or_else(|| hop.parse::<SocketAddr>().ok().map(|address| address.ip())).map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn seen(trusted: &[&str], peer: &str, forwarded: &[&str]) -> String {
        let trusted: Vec<Network> = trusted.iter().map(|network| network.parse().unwrap()).collect();
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED_FOR, HeaderValue::from_str(value).unwrap());
        }
        Proxies::new(&trusted).client(Remote(peer.parse().unwrap()), &headers).0.to_string()
    }

    #[test]
    fn the_client_is_the_last_address_that_a_trusted_proxy_saw_and_that_is_none_itself() {
        let trusted = &["10.0.0.0/8", "192.0.2.7", "2001:db8::/64"];
        for (peer, forwarded, client) in [
            ("10.0.0.1", &["203.0.113.9"][..], "203.0.113.9"),
            ("10.0.0.1", &["1.1.1.1, 203.0.113.9, 10.9.9.9"], "203.0.113.9"),
            ("10.0.0.1", &["1.1.1.1, 203.0.113.9", "192.0.2.7"], "203.0.113.9"),
            ("2001:db8::5", &["[2001:db8:1::9]:4711"], "2001:db8:1::9"),
            ("::ffff:10.0.0.1", &["203.0.113.9:80"], "203.0.113.9"),
            // All of them are proxies: the first one asked for itself.
            ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            ("10.0.0.1", &[], "10.0.0.1"),
        ] {
            assert_eq!(seen(trusted, peer, forwarded), client, "{peer} {forwarded:?}");
        }
    }

    #[test]
    fn nobody_else_is_believed_and_what_is_no_address_ends_the_search() {
        for (trusted, peer, forwarded, client) in [
            (&[][..], "203.0.113.9", "127.0.0.1", "203.0.113.9"),
            (&["10.0.0.1"], "203.0.113.9", "127.0.0.1", "203.0.113.9"),
            (&["10.0.0.1"], "10.0.0.1", "unknown", "10.0.0.1"),
            (&["10.0.0.0/8"], "10.0.0.1", "203.0.113.9, unknown, 10.0.0.2", "10.0.0.2"),
            (&["10.0.0.1"], "10.0.0.1", "", "10.0.0.1"),
        ] {
            assert_eq!(seen(trusted, peer, &[forwarded]), client, "{peer} {forwarded:?}");
        }
    }
}
