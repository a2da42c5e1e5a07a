//! The migrations, as the program carries them. Written down here and not by sqlx's macro: for that the compiler would build
//! both databases' drivers a second time.

use std::sync::LazyLock;

use sqlx::{
    SqlSafeStr,
    migrate::{Migration, MigrationType, Migrator},
};

macro_rules! carried {
    ($($name:literal)+) => {
        /// A migration's file, and its text for SQLite and for PostgreSQL.
        const MIGRATIONS: &[(&str, &str, &str)] = &[$((
            $name,
            include_str!(concat!("migrations/sqlite/", $name, ".sql")),
            include_str!(concat!("migrations/postgres/", $name, ".sql")),
        )),+];
    };
}

carried! {
    "0001_ledger"
    "0002_open_and_ended"
    "0003_figures_and_traces"
    "0004_facts_of_steps"
    "0008_unseen"
    "0009_warnings"
    "0010_blocks"
    "0011_admission_facts"
    "0012_surveys"
    "0013_idempotency_keys"
    "0014_pauses"
    "0015_outbox"
    "0016_console_sessions"
    "0017_not_admitted"
    "0018_replays"
    "0019_accept_events"
    "0020_rollups"
    "0021_amended"
    "0024_waiting_lists"
    "0026_indexes_of_alerts"
    "0027_found_by"
    "0030_replayed_from"
    "0031_block_begun_by"
    "0032_latest_facts"
    "0033_indexes_of_waiting"
    "0034_deals"
    "0035_unlinked"
    "0038_kept_out"
    "0040_audit_of"
    "0041_strangers"
    "0042_unshown"
    "0043_open_saves"
}

/// Those of a SQLite ledger.
pub(super) static SQLITE: LazyLock<Migrator> =
    LazyLock::new(|| migrator(MIGRATIONS.iter().map(|(name, sqlite, _)| (*name, *sqlite))));
/// Those of a PostgreSQL ledger.
pub(super) static POSTGRES: LazyLock<Migrator> =
    LazyLock::new(|| migrator(MIGRATIONS.iter().map(|(name, _, postgres)| (*name, *postgres))));

/// The version of the schema that this program wants.
pub(super) fn newest() -> i64 {
    SQLITE.iter().map(|migration| migration.version).max().unwrap_or_default()
}

fn migrator(files: impl Iterator<Item = (&'static str, &'static str)>) -> Migrator {
    let migrations = files.filter_map(|(name, sql)| {
        let (version, what) = name.split_once('_')?;
        let (version, what) = (version.parse().ok()?, what.replace('_', " "));
        Some(Migration::new(version, what.into(), MigrationType::Simple, sql.into_sql_str(), false))
    });
    Migrator::with_migrations(migrations.collect())
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    #[test]
    fn every_file_of_both_folders_is_carried() {
        let carried: Vec<String> = MIGRATIONS.iter().map(|(name, ..)| format!("{name}.sql")).collect();
        for folder in ["sqlite", "postgres"] {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/migrations").join(folder);
            let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
            let mut files: Vec<String> = files.collect();
            files.sort();
            assert_eq!(files, carried);
        }
        assert_eq!((SQLITE.iter().count(), POSTGRES.iter().count()), (carried.len(), carried.len()));
    }
}
