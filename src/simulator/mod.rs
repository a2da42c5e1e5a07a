//! A stand-in for the real ERP that answers over real HTTP, misbehaves on demand and remembers every call: `zhibang-sim`.
//!
//! It is written from `erp-wire.md` alone and shares no type with the client in `erp`, so that a misunderstanding on one
//! side cannot cancel out on the other. A call walks through the files in this order:
//!
//! `server` (the connection) → `call` (which interface) → `faults` (what goes wrong) → `world` (session, dispatch) →
//! `customers`, `customer_list`, `edit`, `contacts`, `progress`, `assignment`, `accounts`, `trees` (an answer and an effect) →
//! `data` (the effect) → `answer` → `render` with the `quirks` of that answer.
//!
//! Imports run one way, from the bottom: `choices`, `columns`, `fields`, `users`, `call`, `quirks`, `faults` → `answer`, `data` →
//! `population` → `settings` → `profile`,
//! `context` (what an interface may look at) → the interfaces → `world` → `handle` → `control`, `server`.
//!
//! Control, on the same port and without a session (`docs/simulator.md` shows bodies and answers):
//!
//! | call | does |
//! | --- | --- |
//! | `GET /__control/state` | customers, contact persons, progress records in stored order, counters |
//! | `GET /__control/calls?since=N`, `DELETE /__control/calls` | the call log: every received call and what became of it |
//! | `GET`, `POST`, `DELETE /__control/faults` | the rules ([`FaultRule`]); a post replaces them |
//! | `GET`, `POST /__control/quirks` | the quirks ([`Quirk`]): a list of names, or `"all"` |
//! | `GET`, `POST /__control/settings` | the [`Settings`]; a post names only what changes |
//! | `POST /__control/seed` | puts customers and contact persons in ([`Seed`]) |
//! | `POST /__control/customers/delete`, `/__control/customers/merge` | what people do to customers |
//! | `POST /__control/sessions/expire`, `/__control/login/unlock` | ends all sessions; takes passwords again |
//! | `POST /__control/reset` | back to the state at the start |
//!
//! What the wire file leaves open is decided so: in a customer's detail, field `sort` is 客户分类 and field `sort1` is 跟进程度, each
//! with its display text, as 客户修改 names them; the *value* of `sort1` is the pair of tree ids (`3,7`) that 客户添加 takes.

mod accounts;
mod alterations;
mod answer;
mod assignment;
mod call;
mod call_log;
mod choices;
mod columns;
mod contacts;
mod context;
mod control;
mod customer_list;
mod customers;
mod data;
mod edit;
mod faults;
mod fields;
mod handle;
mod load;
mod population;
mod profile;
mod progress;
mod quirks;
mod render;
mod search_log;
mod server;
mod session;
mod settings;
mod trees;
mod users;
mod world;

use std::{io, net::SocketAddr};

use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

pub use self::{
    call::Interface,
    call_log::CallRecord,
    choices::{Category, Choice, Choices},
    columns::Columns,
    data::{Contact, Customer, Holding, Progress},
    faults::{Break, FaultKind, FaultRule, When},
    fields::Fields,
    handle::{Handle, Seed, SeedRecord, Seeded},
    load::Load,
    population::Population,
    profile::Profile,
    quirks::{Quirk, Quirks},
    settings::{ReplyList, Settings, SimConfig},
    users::User,
};

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
