//! A stand-in for the real ERP that answers over real HTTP, misbehaves on demand and remembers every call: `zhibang-sim`.
//!
//! It is written from `erp-wire.md` alone and shares no type with the client in `erp`, so that a misunderstanding on one
//! side cannot cancel out on the other. A call walks through the files in this order:
//!
//! `server` (the connection) → `call` (which interface) → `faults` (what goes wrong) → `world` (session, dispatch) →
//! `customers`, `edit`, `contacts`, `progress`, `assignment`, `users`, `choices` (an answer and an effect) →
//! `data` (the effect) → `answer` → `render` in the dress of the `quirks`.
//!
//! Control, on the same port and without a session (`docs/simulator.md` shows bodies and answers):
//!
//! | call | does |
//! | --- | --- |
//! | `GET /__control/state` | customers, contact persons, progress records in stored order, counters |
//! | `GET /__control/calls?since=N`, `DELETE /__control/calls` | the journal: every received call and what became of it |
//! | `GET`, `POST`, `DELETE /__control/faults` | the rules ([`FaultRule`]); a post replaces them |
//! | `GET`, `POST /__control/quirks` | the quirks ([`Quirk`]): a list of names, or `"all"` |
//! | `GET`, `POST /__control/settings` | the [`Settings`]; a post names only what changes |
//! | `POST /__control/seed` | puts customers and contact persons in ([`Seed`]) |
//! | `POST /__control/sessions/expire`, `/__control/login/unlock` | ends all sessions; takes passwords again |
//! | `POST /__control/reset` | back to the state at the start |
//!
//! What the wire file leaves open is decided so: in a customer's detail, field `sort` is 客户分类 and field `sort1` is 跟进程度, each
//! with its display text, as 客户修改 names them; the *value* of `sort1` is the pair of tree ids (`3,7`) that 客户添加 takes.

mod answer;
mod assignment;
mod call;
mod choices;
mod contacts;
mod control;
mod customers;
mod data;
mod edit;
mod faults;
mod fields;
mod handle;
mod journal;
mod load;
mod progress;
mod quirks;
mod render;
mod server;
mod session;
mod settings;
mod users;
mod world;

use std::{io, net::SocketAddr};

use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

pub use self::{
    call::Interface,
    data::{Contact, Customer, Holding, Progress},
    faults::{Break, FaultKind, FaultRule, When},
    fields::Fields,
    handle::{Handle, Seed, SeedRecord, Seeded},
    journal::CallRecord,
    load::Load,
    quirks::{Quirk, Quirks},
    settings::{ReplyList, Settings},
    users::User,
};
use crate::clock::Clock;

/// How to start a simulator.
#[derive(Clone, Debug)]
pub struct SimConfig {
    /// Where to listen; port 0 takes a free one.
    pub listen: String,
    /// The account that logs in.
    pub username: String,
    /// Seeds every random decision.
    pub seed: u64,
    /// Quirks at the start.
    pub quirks: Quirks,
    /// Fault rules at the start.
    pub faults: Vec<FaultRule>,
    /// Settings at the start; the password is among them.
    pub settings: Settings,
    /// Where the time comes from.
    pub clock: Clock,
}

impl Default for SimConfig {
    /// A free local port, `admin` and `123456`, no faults.
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:0".to_owned(),
            username: "admin".to_owned(),
            seed: 1,
            quirks: Quirks::default(),
            faults: Vec::new(),
            settings: Settings::default(),
            clock: Clock::system(),
        }
    }
}

/// A running simulator; dropping it stops it.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub addr: SocketAddr,
    /// Its state, faults and quirks.
    pub handle: Handle,
    stop: CancellationToken,
    task: Option<JoinHandle<()>>,
}

impl Running {
    /// What a client takes as the ERP's address: `http://127.0.0.1:46088`.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Closes the port and every connection, and waits until that is done.
    pub async fn stop(mut self) {
        self.stop.cancel();
        if let Some(task) = self.task.take() {
            // A server that panicked has stopped as well.
            let _ = task.await;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Starts a simulator in this process. Errors: the address cannot be listened on, or a fault rule is wrong.
pub async fn start(config: SimConfig) -> io::Result<Running> {
    for rule in &config.faults {
        rule.check().map_err(|why| io::Error::new(io::ErrorKind::InvalidInput, why))?;
    }
    let listener = TcpListener::bind(&config.listen).await?;
    let addr = listener.local_addr()?;
    let handle = Handle::new(world::World::new(config));
    let stop = CancellationToken::new();
    let task = Some(tokio::spawn(server::run(listener, handle.clone(), stop.clone())));
    Ok(Running { addr, handle, stop, task })
}

/// Runs a simulator until `until` ends: says where it listens on the first line of standard output, then serves.
pub async fn serve(config: SimConfig, until: impl Future<Output = ()>) -> io::Result<()> {
    let running = start(config).await?;
    // Who started the program with port 0 reads the address here.
    println!("listening on {}", running.base_url());
    until.await;
    running.stop().await;
    Ok(())
}
