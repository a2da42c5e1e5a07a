//! Whose certificates the bridge believes beside those that everybody believes: `[outbound] ca_cert`.

use std::{path::Path, sync::Arc};

use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem, pem::PemObject},
};

/// The key: its file is read at the start alone.
pub(super) const CA_CERT: &str = "outbound.ca_cert";

/// `[outbound]`
#[derive(Debug, Clone, Default)]
pub struct OutboundConfig {
    /// Certificate authorities of one's own.
    pub authorities: Authorities,
}

/// Certificate authorities of one's own, as they stood in a file. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Authorities(Arc<[CertificateDer<'static>]>);

impl Authorities {
    /// Reads the certificates of a PEM file.
    ///
    /// # Errors
    /// What is wrong with the file, and what would be right.
    pub fn read(file: &Path) -> Result<Self, String> {
        let wrong = |what: String| format!("{what}: write the path of a PEM file with the authority's certificate");
        let found: Result<Vec<_>, pem::Error> = CertificateDer::pem_file_iter(file).and_then(Iterator::collect);
        let found = found.map_err(|error| wrong(format!("the file cannot be read as PEM ({error})")))?;
        if found.is_empty() {
            return Err(wrong("the file holds no certificate".to_owned()));
        }
        for certificate in &found {
            let taken = RootCertStore::empty().add(certificate.clone());
            taken.map_err(|error| wrong(format!("the file holds a certificate that cannot be used ({error})")))?;
        }
        Ok(Self(found.into()))
    }

    /// Their certificates (DER).
    pub(crate) fn certificates(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(|certificate| &**certificate)
    }
}
