//! A TCP proxy between a bridge and its database whose line can be cut, or fall silent without closing.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
};

const CHUNK_BYTES: usize = 16 * 1_024;

/// What the line does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// It carries everything.
    Through,
    /// Every connection is cut, and every new one as soon as it comes.
    Cut,
    /// Nothing arrives any more, in either direction, and nothing is closed; new connections are taken and hear nothing.
    /// What was sent meanwhile arrives when the line is let through again.
    Silent,
}

/// A running proxy; it ends with the value.
pub struct Proxy {
    line: watch::Sender<Line>,
    address: SocketAddr,
    server: SocketAddr,
}

impl Proxy {
    /// A proxy before the server on this port of 127.0.0.1.
    pub async fn before(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, server) = (listener.local_addr().unwrap(), SocketAddr::from(([127, 0, 0, 1], port)));
        let (line, watched) = watch::channel(Line::Through);
        tokio::spawn(accept(listener, server, watched));
        Self { line, address, server }
    }

    /// The same address of a database, by way of the proxy.
    pub fn instead_of(&self, url: &str) -> String {
        let (server, proxy) = (self.server.to_string(), self.address.to_string());
        assert!(url.contains(&server), "{url}");
        url.replace(&server, &proxy)
    }

    pub fn set(&self, line: Line) {
        self.line.send_replace(line);
    }
}

async fn accept(listener: TcpListener, server: SocketAddr, line: watch::Receiver<Line>) {
    let mut watched = line.clone();
    loop {
        let client = tokio::select! {
            accepted = listener.accept() => accepted.unwrap().0,
            // The proxy's owner is gone.
            _ = watched.wait_for(|_| false) => return,
        };
        if *line.borrow() != Line::Cut {
            tokio::spawn(carry(client, server, line.clone()));
        }
    }
}

async fn carry(client: TcpStream, server: SocketAddr, line: watch::Receiver<Line>) {
    let mut watched = line.clone();
    let carried = async {
        let server = TcpStream::connect(server).await.ok()?;
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        let both = (copy(from_client, to_server, line.clone()), copy(from_server, to_client, line.clone()));
        tokio::select! {
            end = both.0 => end,
            end = both.1 => end,
        }
    };
    // Dropping the sockets closes them.
    tokio::select! {
        _ = carried => {}
        // Or the proxy's owner is gone.
        _ = watched.wait_for(|line| *line == Line::Cut) => {}
    }
}

async fn copy(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut line: watch::Receiver<Line>) -> Option<()> {
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let read = from.read(&mut chunk).await.ok().filter(|read| *read > 0)?;
        line.wait_for(|line| *line == Line::Through).await.ok()?;
        to.write_all(&chunk[..read]).await.ok()?;
    }
}
