//! Names without the C library, for a program that is linked statically with glibc: glibc's own resolver may load what
//! `/etc/nsswitch.conf` names, from libraries that belong to another glibc.

use std::net::{Ipv4Addr, SocketAddr};

use hickory_resolver::{
    TokioResolver,
    config::{LookupIpStrategy, NameServerConfig, ResolverConfig, ResolverOpts},
    net::{NetError, runtime::TokioRuntimeProvider},
    system_conf::read_system_conf,
};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Looks names up in the system's file of hosts, and asks its name servers.
pub(super) struct OwnResolver;

impl Resolve for OwnResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = resolver()?.lookup_ip(name.as_str()).await?;
            // The port is whatever the address says.
            let addresses: Vec<SocketAddr> = found.iter().map(|address| SocketAddr::new(address, 0)).collect();
            let addresses: Addrs = Box::new(addresses.into_iter());
            Ok(addresses)
        })
    }
}

/// By the system's files as they are now: connections are kept, so that names are asked for seldom.
fn resolver() -> Result<TokioResolver, NetError> {
    let (servers, mut options) = read_system_conf().unwrap_or_else(|_| (this_machine(), ResolverOpts::default()));
    // What the file of hosts says of one kind of address is not asked for again by the other kind.
    options.ip_strategy = LookupIpStrategy::Ipv4thenIpv6;
    let mut builder = TokioResolver::builder_with_config(servers, TokioRuntimeProvider::default());
    *builder.options_mut() = options;
    builder.build()
}

/// Where the system names no server, the C library asks this machine, too.
fn this_machine() -> ResolverConfig {
    let server = NameServerConfig::udp_and_tcp(Ipv4Addr::LOCALHOST.into());
    ResolverConfig::from_parts(None, Vec::new(), vec![server])
}
