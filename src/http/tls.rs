//! TLS for those who have no reverse proxy: the certificate is a file, read again at SIGHUP.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject},
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::config::TlsFiles;

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file.
    #[error("{key}: {} {what}", path.display())]
    File {
        /// The key that names it.
        key: &'static str,
        /// Where it should be.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The certificate and its key.
    #[error(
        "server.tls_cert and server.tls_key: {0}; write the key of this certificate, and the certificate before those above it"
    )]
    Pair(rustls::Error),
}

/// The certificate that the bridge shows. Cheap to clone; all clones show the one that was read last.
#[derive(Debug, Clone)]
pub struct Tls {
    files: Arc<TlsFiles>,
    shown: Arc<RwLock<Arc<ServerConfig>>>,
}

impl Tls {
    /// Reads certificate and key.
    ///
    /// # Errors
    /// [`TlsError`], if they cannot be read or do not belong together.
    pub fn read(files: TlsFiles) -> Result<Self, TlsError> {
        let shown = Arc::new(RwLock::new(server_config(&files)?));
        Ok(Self { files: files.into(), shown })
    }

    /// Reads the same files again, and shows what stands there to those who connect from now on.
    ///
    /// # Errors
    /// As [`Tls::read`]; the old one stays then.
    pub fn renew(&self) -> Result<(), TlsError> {
        let config = server_config(&self.files)?;
        *self.shown.write().unwrap_or_else(PoisonError::into_inner) = config;
        Ok(())
    }

    /// Agrees with a client on keys; `None` where that fails, or takes longer than `limit`.
    pub(super) async fn accept<S>(&self, stream: S, limit: Duration) -> Option<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let config = Arc::clone(&self.shown.read().unwrap_or_else(PoisonError::into_inner));
        let accepted = tokio::time::timeout(limit, TlsAcceptor::from(config).accept(stream)).await;
        let secured = accepted.ok().and_then(Result::ok);
        if secured.is_none() {
            // Anybody may knock with anything: counted, not logged.
            metrics::counter!("erp_bridge_tls_failures_total").increment(1);
        }
        secured
    }
}

fn server_config(files: &TlsFiles) -> Result<Arc<ServerConfig>, TlsError> {
    let wrong = |key, path: &Path, what: String| TlsError::File { key, path: path.to_owned(), what };
    let certificates: Result<Vec<_>, pem::Error> =
        CertificateDer::pem_file_iter(&files.cert).and_then(Iterator::collect);
    let certificates = certificates
        .map_err(|error| wrong("server.tls_cert", &files.cert, format!("cannot be read as PEM: {error}")))?;
    if certificates.is_empty() {
        let what = "holds no certificate: write the PEM file of the certificate and those above it".to_owned();
        return Err(wrong("server.tls_cert", &files.cert, what));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .map_err(|error| wrong("server.tls_key", &files.key, format!("cannot be read as a PEM key: {error}")))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Pair)?
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .map_err(TlsError::Pair)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
