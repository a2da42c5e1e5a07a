//! The one way in which HTTP clients are made: whoever is called is called directly and once, with the program's own roots.

#[cfg(feature = "own-resolver")]
mod resolver;

use reqwest::{Certificate, Client, ClientBuilder, redirect, retry};

use crate::config::Authorities;

/// A client's beginnings: no proxy, no redirects, no retries that nobody sees, HTTP/1.1. An empty image has no CA files, so
/// that certificates are judged by roots of the program's own and by the operator's authorities; `is_https` says whether
/// they are needed: they take memory.
pub fn client(is_https: bool, authorities: &Authorities) -> ClientBuilder {
    // Fails only if a provider is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().map(|der| &**der).chain(authorities.certificates());
    let roots = roots.filter(|_| is_https).filter_map(|der| Certificate::from_der(der).ok());
    let client = Client::builder();
    #[cfg(feature = "own-resolver")]
    let client = client.dns_resolver(resolver::OwnResolver);
    client
        .no_proxy()
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .referer(false)
        .http1_only()
        // Said in any case: where the machine has no roots, even a client for plain http:// is not built without them.
        .tls_certs_only(roots.collect::<Vec<_>>())
}
