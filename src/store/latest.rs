//! What replicas tell each other beside the events: when a key was last used, how the circuit to the ERP stands. Of each fact
//! the newest counts, whoever knows it.

use super::{
    Store, StoreError,
    clock_step::SKEW,
    db::{Row, args},
};
use crate::clock::Millis;

/// Something that was so at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LatestFact {
    /// Of what it is; nothing secret and nothing personal.
    pub name: String,
    /// When it was so.
    pub at: Millis,
    /// How it was, where there is more than one way.
    pub word: String,
}

impl LatestFact {
    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self { name: row.text("name")?, at: row.millis("at")?, word: row.text("word")? })
    }
}

impl Store {
    /// The newest of every fact that any replica told. What lies ahead is from before the clock was set back, and counts no more.
    pub async fn latest_facts(&self) -> Result<Vec<LatestFact>, StoreError> {
        let ahead = self.clock.now().plus(SKEW);
        let rows = self.db.read("select name, at, word from latest_facts where at <= $1", args![ahead]).await?;
        rows.iter().map(LatestFact::read).collect()
    }

    /// Tells facts to the other replicas; one that the ledger knows more newly stays.
    pub async fn tell_latest(&self, facts: &[LatestFact]) -> Result<(), StoreError> {
        let ahead = self.clock.now().plus(SKEW);
        let sql = "insert into latest_facts (name, at, word) values ($1, $2, $3)
            on conflict (name) do update set at = excluded.at, word = excluded.word
              where excluded.at > latest_facts.at or latest_facts.at > $4";
        // In one order, so that two replicas never wait for each other.
        let mut facts: Vec<&LatestFact> = facts.iter().collect();
        facts.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        let mut tx = self.db.begin().await?;
        for fact in facts {
            tx.execute(sql, args![fact.name.as_str(), fact.at, fact.word.as_str(), ahead]).await?;
        }
        tx.commit().await
    }
}
