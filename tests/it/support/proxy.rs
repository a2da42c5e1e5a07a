//! A TCP proxy between a bridge and its database whose line can be cut, or fall silent without closing.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

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

/// What is lost of a commit when its line is cut at that very moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// The commit never reaches the server.
    Commit,
    /// The server commits, and its answer never arrives.
    Answer,
}

/// What is lost, and the bytes by which the moment is known.
type Trap = Arc<Mutex<Option<(Vec<u8>, Lost)>>>;

/// A commit as it is asked for on PostgreSQL's wire.
const COMMIT: &[u8] = b"commit\0";

/// What the line does now, and how often it was cut so far: whoever looks a moment later must not miss that.
#[derive(Debug, Clone, Copy)]
struct Now {
    line: Line,
    cuts: u64,
}

/// A running proxy; it ends with the value.
pub struct Proxy {
    now: watch::Sender<Now>,
    trap: Trap,
    address: SocketAddr,
    server: SocketAddr,
}

impl Proxy {
    /// A proxy before the server on this port of 127.0.0.1.
    pub async fn before(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, server) = (listener.local_addr().unwrap(), SocketAddr::from(([127, 0, 0, 1], port)));
        let (now, watched) = watch::channel(Now { line: Line::Through, cuts: 0 });
        let trap = Trap::default();
        tokio::spawn(accept(listener, server, watched, trap.clone()));
        Self { now, trap, address, server }
    }

    /// The same address of a database, by way of the proxy.
    pub fn instead_of(&self, url: &str) -> String {
        let (server, proxy) = (self.server.to_string(), self.address.to_string());
        assert!(url.contains(&server), "{url}");
        url.replace(&server, &proxy)
    }

    /// Cuts the line of the next transaction that is to be committed, at that moment.
    pub fn lose(&self, lost: Lost) {
        self.lose_at(COMMIT, lost);
    }

    /// Cuts the line of the next statement that carries these bytes: one that commits by itself is lost like a commit.
    pub fn lose_at(&self, bytes: &[u8], lost: Lost) {
        *self.trap.lock().unwrap() = Some((bytes.to_vec(), lost));
    }

    /// Whether that has happened.
    pub fn has_lost(&self) -> bool {
        self.trap.lock().unwrap().is_none()
    }

    pub fn set(&self, line: Line) {
        self.now.send_modify(|now| {
            now.cuts += u64::from(line == Line::Cut);
            now.line = line;
        });
    }
}

async fn accept(listener: TcpListener, server: SocketAddr, now: watch::Receiver<Now>, trap: Trap) {
    let mut watched = now.clone();
    loop {
        let client = tokio::select! {
            accepted = listener.accept() => accepted.unwrap().0,
            // The proxy's owner is gone.
            _ = watched.wait_for(|_| false) => return,
        };
        if now.borrow().line != Line::Cut {
            tokio::spawn(carry(client, server, now.clone(), trap.clone()));
        }
    }
}

async fn carry(client: TcpStream, server: SocketAddr, now: watch::Receiver<Now>, trap: Trap) {
    let mut watched = now.clone();
    let cuts = now.borrow().cuts;
    let carried = async {
        let server = TcpStream::connect(server).await.ok()?;
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        let muted = AtomicBool::new(false);
        let spring = |chunk: &[u8]| {
            let mut trap = trap.lock().unwrap();
            let Some((_, lost)) = trap.take_if(|(wanted, _)| chunk.windows(wanted.len()).any(|bytes| bytes == wanted))
            else {
                return true;
            };
            muted.store(true, Ordering::Relaxed);
            lost == Lost::Answer
        };
        let both = (
            copy(from_client, to_server, now.clone(), cuts, spring),
            copy(from_server, to_client, now.clone(), cuts, |_| !muted.load(Ordering::Relaxed)),
        );
        tokio::select! {
            end = both.0 => end,
            end = both.1 => end,
        }
    };
    // Dropping the sockets closes them.
    tokio::select! {
        _ = carried => {}
        // Or the proxy's owner is gone.
        _ = watched.wait_for(|now| now.cuts != cuts) => {}
    }
}

/// Carries until one end closes or `passes` says no.
async fn copy(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut now: watch::Receiver<Now>,
    cuts: u64,
    passes: impl Fn(&[u8]) -> bool,
) -> Option<()> {
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let read = from.read(&mut chunk).await.ok().filter(|read| *read > 0)?;
        // What waits here when the line is cut is lost with it.
        let then = *now.wait_for(|now| now.line == Line::Through || now.cuts != cuts).await.ok()?;
        if then.cuts != cuts || !passes(&chunk[..read]) {
            return None;
        }
        to.write_all(&chunk[..read]).await.ok()?;
    }
}
