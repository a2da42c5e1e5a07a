//! `erp-bridge health`

use std::time::Duration;

use clap::Args;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::Outcome;
use crate::telemetry::printable::one_line;

const LIMIT: Duration = Duration::from_secs(5);

/// Exit 0 if the bridge at this address is ready. An image with nothing but the binary has no other program to ask with.
#[derive(Debug, Args)]
pub(super) struct Health {
    /// Host and port of the bridge
    #[arg(long, default_value = "127.0.0.1:8080", env = "ERP_BRIDGE__SERVER__LISTEN")]
    address: String,
}

impl Health {
    pub(super) async fn run(self) -> Outcome {
        let address = self.address.replace("0.0.0.0:", "127.0.0.1:").replace("[::]:", "[::1]:");
        Ok(match timeout(LIMIT, ask(&address)).await {
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
async fn ask(address: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream
        .write_all(format!("GET /readyz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").as_bytes())
        .await?;
    let mut answer = Vec::new();
    stream.take(4_096).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned())
}
