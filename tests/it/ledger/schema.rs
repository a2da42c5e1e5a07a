//! Opening a ledger: the schema, its migrations, and what is refused.

use std::collections::BTreeSet;

use erp_bridge::{
    app::{self, App, StartOptions},
    clock::Clock,
    config::DatabaseConfig,
    simulator::{self, SimConfig},
    store::{OpenError, Store},
};
use futures::future::join_all;
use secrecy::ExposeSecret;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row, SqliteConnection};

use super::{Ledger, event, on_both, run};
use crate::support::{Sender, postgres, world};

on_both! {
    a_schema_that_is_newer_than_the_program_is_refused
    a_migration_that_was_altered_since_it_ran_is_refused
    without_migrating_a_schema_is_opened_if_it_is_the_program_s
    migrating_again_changes_nothing
}

async fn opened(config: &DatabaseConfig, migrate: bool) -> Result<Store, OpenError> {
    Store::open(config, Clock::system(), migrate).await
}

async fn refused(ledger: &Ledger, migrate: bool) -> OpenError {
    match opened(&ledger.config, migrate).await {
        Ok(_) => panic!("it was opened"),
        Err(error) => error,
    }
}

async fn a_schema_that_is_newer_than_the_program_is_refused(ledger: &Ledger) {
    let checksum = if ledger.is_sqlite() { "x'00'" } else { "'\\x00'" };
    let newer = format!(
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
         values (9999, 'of a later program', true, {checksum}, 0)"
    );
    ledger.run(&newer).await;
    for migrate in [true, false] {
        let error = refused(ledger, migrate).await;
        assert!(matches!(error, OpenError::Newer(9999)), "{error}");
        assert!(error.to_string().contains("9999"), "{error}");
        assert!(!error.may_pass(), "a supervisor would start it for ever");
    }
}

async fn a_migration_that_was_altered_since_it_ran_is_refused(ledger: &Ledger) {
    let checksum = if ledger.is_sqlite() { "x'00'" } else { "'\\x00'" };
    ledger.run(&format!("update _sqlx_migrations set checksum = {checksum} where version = 1")).await;
    let error = refused(ledger, true).await;
    assert!(matches!(error, OpenError::Altered(1)), "{error}");
}

async fn without_migrating_a_schema_is_opened_if_it_is_the_program_s(ledger: &Ledger) {
    assert!(opened(&ledger.config, false).await.is_ok());
    ledger.run("delete from _sqlx_migrations").await;
    let error = refused(ledger, false).await;
    let OpenError::Behind { found: 0, expected } = error else { panic!("{error}") };
    assert!(expected >= 1 && error.to_string().contains("--no-migrate"), "{error}");
    ledger.run("drop table _sqlx_migrations").await;
    assert!(matches!(refused(ledger, false).await, OpenError::Behind { found: 0, .. }), "an empty database as well");
}

async fn migrating_again_changes_nothing(ledger: &Ledger) {
    let id = ledger.accept(event("w1", "c1")).await;
    let again = opened(&ledger.config, true).await.unwrap();
    assert!(again.event(&id).await.unwrap().is_some());
}

#[tokio::test]
async fn five_replicas_that_start_at_once_on_an_empty_postgres_all_come_up() {
    let sim = simulator::start(SimConfig::default()).await.unwrap();
    let config = world::config(&sim.base_url(), &postgres::database().await);
    let apps = join_all((0..5).map(|_| App::start(&config, StartOptions::default()))).await;
    for app in apps {
        let app = app.unwrap_or_else(|error| panic!("{error}"));
        assert!(Sender::new(format!("http://{}", app.address), Clock::system()).is_ready().await);
        app.stop_token().cancel();
        app.ended().await;
    }
}

#[tokio::test]
async fn sqlite_is_made_to_write_ahead_and_to_sync_whatever_the_file_said_before() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/ledger.db?mode=rwc", dir.path().display());
    run(&url, "pragma journal_mode = delete; pragma synchronous = off; create table somebody_else (x)").await;
    let config = DatabaseConfig { url: url.parse().unwrap(), ..DatabaseConfig::default() };
    let store = opened(&config, true).await.unwrap();
    assert!(store.mode().contains("journal_mode=wal, synchronous=FULL"), "{}", store.mode());
    assert_eq!(rows(&url, "pragma journal_mode").await, [["wal"]]);
}

#[tokio::test]
async fn a_database_that_would_not_keep_what_it_acknowledges_is_refused() {
    // Locks that are files of their own leave no room for a write-ahead log.
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/ledger.db?vfs=unix-dotfile", dir.path().display());
    let config = DatabaseConfig { url: url.parse().unwrap(), ..DatabaseConfig::default() };
    let Err(error) = opened(&config, true).await else { panic!("it was opened") };
    assert!(matches!(&error, OpenError::Unsafe(words) if words.contains("journal_mode delete")), "{error}");
}

#[tokio::test]
async fn postgres_says_which_mode_is_active_and_syncs_whatever_the_database_is_set_to() {
    let url = postgres::database().await;
    let name = url.rsplit('/').next().unwrap();
    run(&url, &format!("alter database {name} set synchronous_commit = off")).await;
    let config = DatabaseConfig { url: url.parse().unwrap(), ..DatabaseConfig::default() };
    let store = opened(&config, true).await.unwrap();
    assert!(store.mode().contains("fsync=on, synchronous_commit=on"), "{}", store.mode());
    assert_eq!(rows(&url, "select current_setting('synchronous_commit')").await, [["off"]], "by itself");
}

#[tokio::test]
async fn a_postgres_database_that_is_not_utf8_is_refused_with_the_command_that_makes_a_right_one() {
    let url = postgres::database().await;
    let (server, name) = url.rsplit_once('/').unwrap();
    let latin = format!("{name}latin");
    run(&url, &format!("create database {latin} encoding 'LATIN1' template template0 lc_collate 'C' lc_ctype 'C'"))
        .await;
    let config = DatabaseConfig { url: format!("{server}/{latin}").parse().unwrap(), ..DatabaseConfig::default() };
    let Err(error) = opened(&config, true).await else { panic!("it was opened") };
    assert!(matches!(&error, OpenError::Encoding(encoding) if encoding == "LATIN1"), "{error}");
    assert!(error.to_string().contains("createdb -T template0 -E UTF8"), "{error}");
}

#[tokio::test]
async fn a_check_does_not_migrate_a_postgres_that_replicas_may_work_on() {
    let sim = simulator::start(SimConfig::default()).await.unwrap();
    let config = world::config(&sim.base_url(), &postgres::database().await);
    let store_row = async || app::check(&config, Vec::new()).await.into_iter().find(|row| row.code == "store").unwrap();
    let row = store_row().await;
    assert!(row.detail.starts_with("0 → ") && row.detail.contains("serve"), "{row:?}");
    let looked = opened(&config.database, false).await;
    assert!(matches!(looked, Err(OpenError::Behind { found: 0, .. })), "it is as it was");
    opened(&config.database, true).await.unwrap();
    assert_eq!(store_row().await.status, erp_bridge::http::CheckStatus::Holds);
}

/// The two migration folders make the same tables: columns with their kind and whether they may be null, and every
/// index with what it is unique and partial over.
#[tokio::test]
async fn both_databases_have_the_same_tables_and_indexes() {
    let (sqlite, postgres) = (Ledger::sqlite().await, Ledger::postgres().await);
    let (sqlite, postgres) = (sqlite.config.url.expose_secret(), postgres.config.url.expose_secret());
    let set = |rows: Vec<Vec<String>>| rows.into_iter().collect::<BTreeSet<_>>();
    let columns = set(rows(sqlite, SQLITE_COLUMNS).await);
    assert!(columns.len() > 50, "{columns:?}");
    assert_eq!(columns, set(rows(postgres, POSTGRES_COLUMNS).await));
    let indexes = |rows: Vec<Vec<String>>| rows.into_iter().map(plain_predicate).collect::<BTreeSet<_>>();
    let of_sqlite = indexes(rows(sqlite, SQLITE_INDEXES).await);
    assert!(of_sqlite.len() > 10, "{of_sqlite:?}");
    assert_eq!(of_sqlite, indexes(rows(postgres, POSTGRES_INDEXES).await));
}

/// Table, column, kind, nullable, place in the primary key.
const SQLITE_COLUMNS: &str = "select m.name, c.name,
      case upper(c.type) when 'INTEGER' then 'number' when 'BIGINT' then 'number' else lower(c.type) end,
      case when c.\"notnull\" = 1 or c.pk > 0 then 'not null' else 'null' end, cast(c.pk as text)
    from sqlite_master m, pragma_table_info(m.name) c
    where m.type = 'table' and m.name not like 'sqlite%' and m.name not like '\\_sqlx%' escape '\\'";
const POSTGRES_COLUMNS: &str = "select c.table_name::text, c.column_name::text,
      case c.data_type when 'bigint' then 'number' else c.data_type::text end,
      case c.is_nullable when 'NO' then 'not null' else 'null' end, coalesce(k.ordinal_position, 0)::text
    from information_schema.columns c
    left join information_schema.table_constraints p
      on p.table_name = c.table_name and p.table_schema = c.table_schema and p.constraint_type = 'PRIMARY KEY'
    left join information_schema.key_column_usage k
      on k.constraint_name = p.constraint_name and k.table_name = c.table_name and k.column_name = c.column_name
    where c.table_schema = 'public' and c.table_name not like '\\_sqlx%'";
/// Table, unique or not, columns in order, predicate; the primary keys stand with the columns.
const SQLITE_INDEXES: &str = "select m.name, case i.\"unique\" when 1 then 'unique' else '' end,
      (select group_concat(coalesce(name, 'expression'), ',') from pragma_index_info(i.name)),
      coalesce((select substr(sql, instr(sql, ' where ')) from sqlite_master where name = i.name and i.partial), '')
    from sqlite_master m, pragma_index_list(m.name) i
    where m.type = 'table' and i.origin <> 'pk' and m.name not like '\\_sqlx%' escape '\\'";
const POSTGRES_INDEXES: &str = "select t.relname::text, case when i.indisunique then 'unique' else '' end,
      (select string_agg(coalesce(a.attname::text, 'expression'), ',' order by k.place)
       from unnest(i.indkey::int[]) with ordinality k (number, place)
       left join pg_attribute a on a.attrelid = t.oid and a.attnum = k.number),
      coalesce(pg_get_expr(i.indpred, i.indrelid), '')
    from pg_index i join pg_class t on t.oid = i.indrelid join pg_namespace n on n.oid = t.relnamespace
    where n.nspname = 'public' and not i.indisprimary and t.relname not like '\\_sqlx%'";

/// A predicate as the words that both databases write: its columns and values, without the grammar around them.
fn plain_predicate(mut index: Vec<String>) -> Vec<String> {
    const GRAMMAR: [&str; 6] = ["where", "in", "any", "array", "text", "and"];
    let predicate = index.pop().unwrap().to_lowercase();
    let words = predicate.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty());
    let words: BTreeSet<_> = words.filter(|word| !GRAMMAR.contains(word)).collect();
    index.push(words.into_iter().collect::<Vec<_>>().join(" "));
    index
}

async fn rows(url: &str, sql: &str) -> Vec<Vec<String>> {
    macro_rules! texts {
        ($connection:ty) => {{
            let mut connection = <$connection>::connect(url).await.unwrap();
            let rows = sqlx::query(AssertSqlSafe(sql.to_owned())).fetch_all(&mut connection).await.unwrap();
            rows.iter().map(|row| (0..row.len()).map(|column| row.get::<String, _>(column)).collect()).collect()
        }};
    }
    if url.starts_with("sqlite") { texts!(SqliteConnection) } else { texts!(PgConnection) }
}
