//! Pauses: an operator stops the dispatch of everything, of a type of events, or of a contact, for as long as it takes or
//! until a moment. Accepting goes on.
//!
//! A turn whose head is paused is parked under the pause's name, as a block parks it (`blocks.rs`), where no claim looks; so
//! the contact's later events wait behind it, in order. Turns are parked as claims meet them, a batch at a time, so that
//! neither a pause nor a claim ever looks through all that waits. Once a pause has ended, what it had parked is released
//! batch by batch (`Store::release_parked`).

use std::{collections::HashMap, fmt};

use super::{
    Actor, Store, StoreError,
    audit::write_audit,
    db::{Arg, Row, Tx, args},
    dialect::{Dialect, list},
    retention::hash_of,
};
use crate::clock::Millis;

/// Turns, of those that are due next, among which a claim looks for paused types.
const LOOKED_AT: i64 = 200;
/// Those that stand at a moment, which is argument 1.
const STANDS: &str = "(until is null or until > $1)";

/// What is paused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PauseScope {
    /// Everything.
    All,
    /// Events of this type; later events of their contacts wait behind them.
    Kind(String),
    /// The events of this contact.
    Contact(String),
}

impl PauseScope {
    /// Every word that there is.
    pub const WORDS: [&str; 3] = ["all", "type", "contact"];

    /// `all`, `type` or `contact` (`contract.md` §5).
    pub const fn word(&self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Kind(_) => "type",
            Self::Contact(_) => "contact",
        }
    }

    /// Which type or contact.
    pub fn value(&self) -> Option<&str> {
        match self {
            Self::All => None,
            Self::Kind(value) | Self::Contact(value) => Some(value),
        }
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        let value = row.opt_text("value")?.unwrap_or_default();
        Ok(match row.text("scope")?.as_str() {
            "type" => Self::Kind(value),
            "contact" => Self::Contact(value),
            _ => Self::All,
        })
    }

    /// Its name in the ledger; no block's name begins so.
    fn name(&self) -> String {
        format!("pause {self}")
    }
}

impl fmt::Display for PauseScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.value() {
            Some(value) => write!(f, "{} {value}", self.word()),
            None => f.write_str(self.word()),
        }
    }
}

/// A pause that stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DispatchPause {
    /// Its name in the ledger, under which turns are parked.
    pub name: String,
    /// What is paused.
    pub scope: PauseScope,
    /// Why, in the operator's words.
    pub reason: String,
    /// The token's name of who paused it.
    pub actor: String,
    /// Since when.
    pub since: Millis,
    /// When it ends by itself.
    pub until: Option<Millis>,
}

impl DispatchPause {
    /// By which it is told from an earlier or later pause of the same scope.
    pub fn print(&self) -> String {
        let (since, until) = (self.since.0, self.until.map(|until| until.0));
        hash_of(&format!("{since} {until:?} {} {}", self.actor, self.reason))
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            name: row.text("name")?,
            scope: PauseScope::read(row)?,
            reason: row.text("reason")?,
            actor: row.text("actor")?,
            since: row.millis("since")?,
            until: row.opt_millis("until")?,
        })
    }
}

impl Store {
    /// Pauses dispatch; what workers have in hand ends. The same scope paused again has the new reason and end. Audited as
    /// `dispatch.pause`.
    pub async fn pause(
        &self,
        scope: &PauseScope,
        reason: &str,
        until: Option<Millis>,
        actor: &Actor,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        tx.execute(
            "insert into pauses (name, scope, value, reason, actor, since, until) values ($1, $2, $3, $4, $5, $6, $7)
             on conflict (name) do update set reason = excluded.reason, actor = excluded.actor, until = excluded.until",
            args![scope.name(), scope.word(), scope.value(), reason, actor.name.as_str(), now, until],
        )
        .await?;
        write_audit(&mut tx, now, actor, "dispatch.pause", &scope.to_string(), Some(reason)).await?;
        tx.commit().await?;
        self.work.notify_one();
        Ok(())
    }

    /// Ends a pause; answers whether it stood. Audited as `dispatch.resume`. `seen` is the [`DispatchPause::print`] of the
    /// pause that is meant.
    ///
    /// # Errors
    /// [`StoreError::Changed`] if that pause does not stand any more.
    pub async fn resume(
        &self,
        scope: &PauseScope,
        reason: Option<&str>,
        actor: &Actor,
        seen: Option<&str>,
    ) -> Result<bool, StoreError> {
        let mut tx = self.db.begin().await?;
        if let Some(seen) = seen {
            let stands = format!("select * from pauses where name = $1{}", self.db.dialect().for_update());
            let stands = tx.fetch_first(stands, args![scope.name()]).await?;
            let stands = stands.as_ref().map(DispatchPause::read).transpose()?;
            if stands.is_none_or(|pause| pause.print() != seen) {
                return Err(StoreError::Changed);
            }
        }
        if tx.execute("delete from pauses where name = $1", args![scope.name()]).await? == 0 {
            return Ok(false);
        }
        write_audit(&mut tx, self.clock.now(), actor, "dispatch.resume", &scope.to_string(), reason).await?;
        tx.commit().await?;
        self.work.notify_one();
        Ok(true)
    }

    /// The pauses that stand, the oldest first. Those whose time is over end with it. Every claim asks, so that what they
    /// have parked is not looked at.
    pub async fn pauses(&self) -> Result<Vec<DispatchPause>, StoreError> {
        let now = self.clock.now();
        let rows = self.db.read("select * from pauses order by since, name", args![]).await?;
        let (stand, over): (Vec<_>, Vec<_>) = rows
            .iter()
            .map(DispatchPause::read)
            .collect::<Result<Vec<_>, _>>()?
            .into_iter()
            .partition(|pause| pause.until.is_none_or(|until| until > now));
        for pause in over {
            self.end_pause(&pause, now).await?;
        }
        Ok(stand)
    }

    /// Contacts whose next event was found to wait for a pause, by its name.
    pub async fn paused_contacts(&self) -> Result<HashMap<String, i64>, StoreError> {
        let sql = "select name, (select count(*) from turns where parked_by = name) as waiting from pauses";
        let rows = self.db.read(sql, args![]).await?;
        rows.iter().map(|row| Ok((row.text("name")?, row.int("waiting")?))).collect()
    }

    async fn end_pause(&self, pause: &DispatchPause, now: Millis) -> Result<(), StoreError> {
        let mut tx = self.db.begin().await?;
        // It may have been renewed, or ended by another replica, meanwhile.
        if tx.execute("delete from pauses where name = $1 and until <= $2", args![pause.name.as_str(), now]).await? > 0
        {
            let subject = pause.scope.to_string();
            write_audit(&mut tx, now, &"bridge".into(), "dispatch.resume", &subject, Some("until")).await?;
        }
        tx.commit().await
    }
}

/// The pauses that a claim heeds.
pub(super) struct Heeded {
    /// Nothing is to be claimed.
    pub(super) everything: bool,
    kinds: Vec<PauseScope>,
    any: bool,
}

impl Heeded {
    /// Those that stand now.
    pub(super) async fn read(tx: &mut Tx, now: Millis) -> Result<Self, StoreError> {
        let rows = tx.fetch(format!("select scope, value from pauses where {STANDS}"), args![now]).await?;
        let scopes = rows.iter().map(PauseScope::read).collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            everything: scopes.contains(&PauseScope::All),
            any: !scopes.is_empty(),
            kinds: scopes.into_iter().filter(|scope| matches!(scope, PauseScope::Kind(_))).collect(),
        })
    }

    /// Parks the turns of paused types among those that are due next, so that they stand in nobody's way; answers how many.
    pub(super) async fn park_due(&self, tx: &mut Tx, dialect: Dialect, now: Millis) -> Result<u64, StoreError> {
        let mut parked = 0;
        for scope in &self.kinds {
            let sql = format!(
                "update turns set due_at = null, parked_by = $3 where token is null and contact_id in
                   (select next.contact_id from (select contact_id, head_seq from turns
                      where due_at <= $1 and token is null order by due_at, head_seq limit $2{}) as next
                    join events on events.seq = next.head_seq where events.kind = $4)",
                dialect.skip_locked()
            );
            parked += tx.execute(sql, args![now, LOOKED_AT, scope.name(), scope.value()]).await?;
        }
        Ok(parked)
    }

    /// Parks those of the claimed turns whose head is paused; answers the others.
    pub(super) async fn set_aside(&self, tx: &mut Tx, now: Millis, turns: Vec<Row>) -> Result<Vec<Row>, StoreError> {
        if !self.any || turns.is_empty() {
            return Ok(turns);
        }
        let heads = turns.iter().map(|row| row.int("head_seq").map(Arg::from)).collect::<Result<Vec<_>, _>>()?;
        let sql = format!(
            "select events.seq, pauses.name from events join pauses on {STANDS}
               and pauses.name in ('pause type ' || events.kind, 'pause contact ' || events.contact_id)
             where events.seq in ({})",
            list(2, heads.len())
        );
        let mut paused = HashMap::new();
        for row in tx.fetch(sql, [args![now], heads].concat()).await? {
            paused.insert(row.int("seq")?, row.text("name")?);
        }
        let mut others = Vec::with_capacity(turns.len());
        for turn in turns {
            let Some(name) = paused.get(&turn.int("head_seq")?) else {
                others.push(turn);
                continue;
            };
            let park = "update turns set due_at = null, token = null, parked_by = $2, cut_short = cut_short - 1
                where contact_id = $1";
            tx.execute(park, args![turn.text("contact_id")?, name.as_str()]).await?;
        }
        Ok(others)
    }
}
