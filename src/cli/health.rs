//! `erp-bridge health`

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use clap::Args;
use rustls::{
    ClientConfig, DigitallySignedStruct, Error, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, IpAddr, ServerName, UnixTime, pem::PemObject},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use super::Outcome;
use crate::telemetry::printable::one_line;

const LIMIT: Duration = Duration::from_secs(5);

/// Exit 0 if the bridge at this address is ready. An image with nothing but the binary has no other program to ask with.
#[derive(Debug, Args)]
pub(super) struct Health {
    /// Host and port of the bridge
    #[arg(long, default_value = "127.0.0.1:8080", env = "ERP_BRIDGE__SERVER__LISTEN")]
    address: String,
    /// The bridge's certificate, if it speaks TLS itself: asks by https, and believes this certificate alone
    #[arg(long, value_name = "FILE", env = "ERP_BRIDGE__SERVER__TLS_CERT")]
    tls_cert: Option<PathBuf>,
}

impl Health {
    pub(super) async fn run(self) -> Outcome {
        let address = self.address.replace("0.0.0.0:", "127.0.0.1:").replace("[::]:", "[::1]:");
        Ok(match timeout(LIMIT, ask(&address, self.tls_cert.as_deref())).await {
            Ok(Ok(line)) => {
                println!("{}", one_line(&line));
                line.contains(" 200 ")
            }
            Ok(Err(error)) => {
                eprintln!("{address}: {error}");
                false
            }
            Err(_) => {
                eprintln!("{address}: no answer within {LIMIT:?}");
                false
            }
        })
    }
}

/// The status line of `GET /readyz`.
async fn ask(address: &str, certificate: Option<&Path>) -> io::Result<String> {
    let stream = TcpStream::connect(address).await?;
    let Some(certificate) = certificate else { return status_line(stream, address).await };
    let pinned = Pinned::read(certificate)?;
    let name = ServerName::IpAddress(IpAddr::from(stream.peer_addr()?.ip()));
    let connector = TlsConnector::from(Arc::new(client_config(pinned)?));
    status_line(connector.connect(name, stream).await?, address).await
}

async fn status_line(mut stream: impl AsyncRead + AsyncWrite + Unpin, address: &str) -> io::Result<String> {
    stream
        .write_all(format!("GET /readyz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").as_bytes())
        .await?;
    let mut answer = Vec::new();
    stream.take(4_096).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned())
}

fn client_config(pinned: Pinned) -> io::Result<ClientConfig> {
    let builder = ClientConfig::builder_with_provider(Arc::clone(&pinned.provider));
    let builder = builder.with_safe_default_protocol_versions().map_err(io::Error::other)?;
    Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(pinned)).with_no_client_auth())
}

/// Believes one certificate, whoever issued it and for whatever name: the bridge is asked by its address, which a
/// certificate seldom names.
#[derive(Debug)]
struct Pinned {
    certificate: CertificateDer<'static>,
    provider: Arc<CryptoProvider>,
}

impl Pinned {
    fn read(file: &Path) -> io::Result<Self> {
        let certificate = CertificateDer::from_pem_file(file);
        let certificate = certificate.map_err(|error| io::Error::other(format!("{}: {error}", file.display())))?;
        Ok(Self { certificate, provider: Arc::new(ring::default_provider()) })
    }
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if *shown == self.certificate {
            return Ok(ServerCertVerified::assertion());
        }
        Err(Error::General("it shows another certificate than that of server.tls_cert".to_owned()))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
