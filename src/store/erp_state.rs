//! What the ledger remembers of the ERP itself: the shared session, refused logins, whose turn an assignment is, what was seen of
//! the installation.

use super::{
    Store, StoreError,
    clock_step::SKEW,
    db::{Arg, args},
};
use crate::clock::Millis;

/// The ERP session of an account, shared by all workers and replicas and kept over restarts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErpSession {
    /// Fingerprint of address and credentials: other credentials are another account.
    pub account: String,
    /// The session, while one is believed to be valid. A secret.
    pub token: Option<String>,
    /// When it was obtained, or when the login was last refused.
    pub obtained_at: Millis,
    /// Logins refused since the last one that worked.
    pub refusals: i64,
    /// The ERP's words at the last refusal.
    pub refusal: Option<String>,
}

impl Store {
    /// The stored session of an account.
    pub async fn erp_session(&self, account: &str) -> Result<Option<ErpSession>, StoreError> {
        let rows = self.db.read("select * from erp_sessions where account = $1", args![account]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        Ok(Some(ErpSession {
            account: row.text("account")?,
            token: row.opt_text("token")?,
            obtained_at: row.millis("obtained_at")?,
            refusals: row.int("refusals")?,
            refusal: row.opt_text("refusal")?,
        }))
    }

    /// Remembers a session: the ERP let somebody in. A login that is taken stays so.
    pub async fn save_erp_session(&self, session: &ErpSession) -> Result<(), StoreError> {
        let sql =
            "insert into erp_sessions (account, token, obtained_at, refusals, refusal) values ($1, $2, $3, $4, $5)
             on conflict (account) do update set token = excluded.token, obtained_at = excluded.obtained_at,
               refusals = excluded.refusals, refusal = excluded.refusal";
        let args = args![
            session.account.as_str(),
            session.token.clone(),
            session.obtained_at,
            session.refusals,
            session.refusal.clone()
        ];
        self.change_state(sql, args).await.map(drop)
    }

    /// Counts one more refused login on top of what any replica counted before.
    pub async fn count_refused_login(&self, account: &str, words: &str, at: Millis) -> Result<(), StoreError> {
        let sql = "insert into erp_sessions (account, obtained_at, refusals, refusal) values ($1, $2, 1, $3)
             on conflict (account) do update set token = null, obtained_at = excluded.obtained_at,
               refusals = erp_sessions.refusals + 1, refusal = excluded.refusal";
        self.change_state(sql, args![account, at, words]).await.map(drop)
    }

    /// Forgets the refused logins.
    pub async fn resume_login(&self, account: &str) -> Result<(), StoreError> {
        let sql = "update erp_sessions set refusals = 0, refusal = null where account = $1";
        self.change_state(sql, args![account]).await.map(drop)
    }

    /// Takes the login for one process until a moment, unless another one has it at `now` or `refusals_max` logins were
    /// refused already. Answers whether it did.
    pub async fn take_login(
        &self,
        account: &str,
        refusals_max: i64,
        now: Millis,
        until: Millis,
    ) -> Result<bool, StoreError> {
        let sql = "insert into erp_sessions (account, obtained_at, refusals, login_until) values ($1, $2, 0, $3)
             on conflict (account) do update set login_until = excluded.login_until
               where (erp_sessions.login_until <= $2 or erp_sessions.login_until > $5) and erp_sessions.refusals < $4";
        // Further ahead than anybody takes it: written before the clock was set back.
        let beyond = until.plus(SKEW);
        Ok(self.change_state(sql, args![account, now, until, refusals_max, beyond]).await? > 0)
    }

    /// Gives back the login that was taken until this moment; somebody else's stays.
    pub async fn give_login_back(&self, account: &str, until: Millis) -> Result<(), StoreError> {
        let sql = "update erp_sessions set login_until = 0 where account = $1 and login_until = $2";
        self.change_state(sql, args![account, until]).await.map(drop)
    }

    async fn change_state(&self, sql: &'static str, args: Vec<Arg>) -> Result<u64, StoreError> {
        let mut tx = self.db.begin().await?;
        let changed = tx.execute(sql, args).await?;
        tx.commit().await?;
        Ok(changed)
    }

    /// Takes the next number of a rotation: 0, 1, 2 … over restarts and replicas.
    pub async fn next_in_rotation(&self, name: &str) -> Result<i64, StoreError> {
        let mut tx = self.db.begin().await?;
        let sql = "insert into rotations (name, next) values ($1, 1)
                   on conflict (name) do update set next = rotations.next + 1 returning next";
        let next = tx.fetch_first(sql, args![name]).await?.map_or(Ok(1), |row| row.int("next"))?;
        tx.commit().await?;
        Ok(next - 1)
    }

    /// The number that [`Store::next_in_rotation`] would take; for previews.
    pub async fn peek_rotation(&self, name: &str) -> Result<i64, StoreError> {
        let rows = self.db.read("select next from rotations where name = $1", args![name]).await?;
        rows.first().map_or(Ok(0), |row| row.int("next"))
    }

    /// Keeps a survey of the ERP at this address, in place of an earlier one.
    pub(crate) async fn save_survey(&self, erp: &str, at: Millis, report: &str) -> Result<(), StoreError> {
        let sql = "insert into erp_surveys (erp, surveyed_at, report) values ($1, $2, $3)
             on conflict (erp) do update set surveyed_at = excluded.surveyed_at, report = excluded.report";
        self.change_state(sql, args![erp, at, report]).await.map(drop)
    }

    /// The newest survey of the ERP at this address, as it was saved.
    pub(crate) async fn newest_survey(&self, erp: &str) -> Result<Option<String>, StoreError> {
        let rows = self.db.read("select report from erp_surveys where erp = $1", args![erp]).await?;
        rows.first().map(|row| row.text("report")).transpose()
    }

    /// Notes that the ERP at this address says of such writes that they are done, and was seen to show none.
    pub(crate) async fn note_unshown(&self, erp: &str, effect: &str) -> Result<(), StoreError> {
        let sql =
            "insert into unshown (erp, effect, noted_at) values ($1, $2, $3) on conflict (erp, effect) do nothing";
        self.change_state(sql, args![erp, effect, self.clock.now()]).await.map(drop)
    }

    /// Notes that the ERP at this address shows such writes.
    pub(crate) async fn forget_unshown(&self, erp: &str, effect: &str) -> Result<(), StoreError> {
        let sql = "delete from unshown where erp = $1 and effect = $2";
        self.change_state(sql, args![erp, effect]).await.map(drop)
    }

    /// Whether the ERP at this address was looked at for such a write, and showed none since.
    pub(crate) async fn is_unshown(&self, erp: &str, effect: &str) -> Result<bool, StoreError> {
        let sql = "select noted_at from unshown where erp = $1 and effect = $2";
        Ok(!self.db.read(sql, args![erp, effect]).await?.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::Clock, config::DatabaseConfig};

    const NOW: Millis = Millis(1_000);

    async fn ledger(dir: &tempfile::TempDir) -> Store {
        let url = format!("sqlite://{}/ledger.db", dir.path().display());
        let config = DatabaseConfig { url: url.parse().unwrap(), ..DatabaseConfig::default() };
        Store::open(&config, Clock::manual(NOW), true).await.unwrap()
    }

    #[tokio::test]
    async fn refused_logins_add_up_until_one_works_or_an_operator_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let store = ledger(&dir).await;
        let refusals = async || store.erp_session("a").await.unwrap().map(|session| session.refusals);
        assert_eq!(refusals().await, None);
        for expected in 1..=3 {
            store.count_refused_login("a", "密码错误", NOW).await.unwrap();
            assert_eq!(refusals().await, Some(expected));
        }
        store.resume_login("a").await.unwrap();
        assert_eq!(refusals().await, Some(0));
        store.count_refused_login("a", "密码错误", NOW).await.unwrap();
        let good =
            ErpSession { account: "a".into(), token: Some("t".into()), obtained_at: NOW, refusals: 0, refusal: None };
        store.save_erp_session(&good).await.unwrap();
        assert_eq!(store.erp_session("a").await.unwrap(), Some(good));
    }

    #[tokio::test]
    async fn the_login_is_one_process_s_until_it_is_given_back_or_runs_out() {
        let dir = tempfile::tempdir().unwrap();
        let store = ledger(&dir).await;
        let take = async |now: i64, until: i64| store.take_login("a", 2, Millis(now), Millis(until)).await.unwrap();
        assert!(take(100, 200).await);
        assert!(!take(199, 300).await, "one millisecond before its end");
        store.count_refused_login("a", "密码错误", NOW).await.unwrap();
        assert!(!take(199, 300).await, "a refusal does not give it back");
        assert!(take(200, 300).await, "at its end");
        store.give_login_back("a", Millis(200)).await.unwrap();
        assert!(!take(250, 400).await, "who had it before gives back nothing of the next one's");
        store.give_login_back("a", Millis(300)).await.unwrap();
        assert!(take(250, 400).await);
        assert_eq!(store.erp_session("a").await.unwrap().unwrap().refusals, 1, "taking it changes no count");
        assert!(store.take_login("b", 2, Millis(250), Millis(400)).await.unwrap(), "another account");
        store.give_login_back("a", Millis(400)).await.unwrap();
        store.count_refused_login("a", "密码错误", NOW).await.unwrap();
        assert!(!take(500, 600).await, "nobody takes it after the second refusal");
    }

    #[tokio::test]
    async fn the_newest_survey_of_an_address_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let store = ledger(&dir).await;
        assert_eq!(store.newest_survey("http://erp.test").await.unwrap(), None);
        for report in ["{\"facts\":[]}", "{}"] {
            store.save_survey("http://erp.test", NOW, report).await.unwrap();
        }
        assert_eq!(store.newest_survey("http://erp.test").await.unwrap().as_deref(), Some("{}"));
        assert_eq!(store.newest_survey("http://other.test").await.unwrap(), None);
    }

    #[tokio::test]
    async fn what_an_address_does_not_show_is_kept_until_it_is_seen() {
        let dir = tempfile::tempdir().unwrap();
        let store = ledger(&dir).await;
        let is_unshown = async |erp: &str, effect: &str| store.is_unshown(erp, effect).await.unwrap();
        for _ in 0..2 {
            store.note_unshown("http://erp.test", "stage").await.unwrap();
        }
        assert!(is_unshown("http://erp.test", "stage").await);
        assert!(!is_unshown("http://erp.test", "opening").await && !is_unshown("http://other.test", "stage").await);
        store.forget_unshown("http://erp.test", "stage").await.unwrap();
        assert!(!is_unshown("http://erp.test", "stage").await);
    }
}
