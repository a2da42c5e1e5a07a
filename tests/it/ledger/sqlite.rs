//! A SQLite ledger and its disk.

use std::{fs, path::Path, process::Command, time::Duration};

use erp_bridge::{config::DatabaseConfig, event::Status, store::StoreError};
use futures::future::join_all;
use secrecy::ExposeSecret;
use sqlx::SqlitePool;

use super::{Ledger, event};
use crate::support::{World, WorldOptions, contact, eventually, promoted};

/// Pages in the write-ahead log above which the ledger copies them into its file.
const LOG_PAGES: i64 = 4_000;

/// Mounts a small file system for a test; unmounted when it is dropped.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// `None` where this user may not mount.
    fn mount(size: &str) -> Option<Self> {
        let disk = Self(tempfile::tempdir().unwrap());
        let options = format!("size={size}");
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "none"]).arg(disk.path()).output();
        mount.is_ok_and(|mount| mount.status.success()).then_some(disk)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file until nothing more fits.
    fn fill(&self) {
        let mut file = fs::File::create(self.path().join("filler")).unwrap();
        // It ends with the error that there is no space left.
        let _ = std::io::copy(&mut std::io::repeat(0), &mut file);
    }

    fn make_room(&self) {
        fs::remove_file(self.path().join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: the bridge may still hold its files.
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

#[tokio::test]
async fn while_the_disk_is_full_the_door_answers_503_and_afterwards_everything_goes_on_by_itself() {
    let Some(disk) = SmallDisk::mount("16m") else {
        eprintln!("not tested: this user may not mount a small file system");
        return;
    };
    let url = format!("sqlite://{}/ledger.db", disk.path().display());
    let configure = Box::new(move |config: &mut erp_bridge::config::Config| {
        config.database.url = url.parse().unwrap();
        // The guard that closes the door before the disk is full is off: this is about what happens if it comes too late.
        config.database.min_free_disk = 0;
        // Runs whose end could not be written go on when their lease is over.
        config.worker.lease = Duration::from_secs(3);
        config.erp.timeout = Duration::from_millis(500);
        config.erp.late_effect = Duration::from_millis(100);
    });
    let world = World::with(WorldOptions { configure, ..WorldOptions::default() }).await;
    let person = |number: u32| promoted(&contact(&format!("c{number}"), number), 70.0);
    let id = world.accept("before", &person(0)).await;
    world.until(&id, &[Status::Succeeded]).await;
    disk.fill();
    let (mut taken, mut refused) = (Vec::new(), Vec::new());
    // The last free bytes of the ledger's own files take some more.
    for number in 1..400 {
        match world.post(&format!("m{number}"), &person(number)).await {
            (202, body) => taken.push(body["id"].as_str().unwrap().to_owned()),
            (503, _) => refused.push(number),
            (status, body) => panic!("{status} {body}"),
        }
        if refused.len() == 10 {
            break;
        }
    }
    assert_eq!(refused.len(), 10, "the disk is full");
    let stored: Vec<_> = world.events().await.into_iter().filter_map(|event| event.webhook_id).collect();
    assert_eq!(stored.len(), taken.len() + 1, "what was refused is not there: {stored:?}");
    disk.make_room();
    // Nobody restarts it; the sender repeats what was refused.
    for number in refused {
        let (id, how) = world.sender.deliver(&format!("m{number}"), &person(number)).await;
        assert_eq!(how, "queued", "m{number} was not half stored");
        taken.push(id);
    }
    for id in &taken {
        world.until(id, &[Status::Succeeded]).await;
    }
    assert_eq!(world.sim.handle.customers().len(), taken.len() + 1);
}

#[tokio::test]
async fn a_disk_with_too_little_room_closes_the_door_before_it_is_full() {
    let ledger = Ledger::sqlite().await;
    let wants = |min_free_disk| DatabaseConfig { url: ledger.config.url.clone(), min_free_disk, ..ledger.config };
    ledger.store.count_backlog(&wants(u64::MAX)).await.unwrap();
    assert!(matches!(ledger.store.accept(event("w1", "c1")).await, Err(StoreError::Full(_))));
    ledger.store.count_backlog(&wants(0)).await.unwrap();
    ledger.accept(event("w1", "c1")).await;
    // The server's disk is its own affair.
    let ledger = Ledger::postgres().await;
    ledger.store.count_backlog(&DatabaseConfig { min_free_disk: u64::MAX, ..ledger.config.clone() }).await.unwrap();
    ledger.accept(event("w1", "c1")).await;
}

/// Pages in the write-ahead log, and how many of them are not in the file yet.
async fn log(looker: &SqlitePool) -> (i64, i64) {
    let look = sqlx::query_as::<_, (i64, i64, i64)>("pragma wal_checkpoint(noop)");
    let (_, pages, copied) = look.fetch_one(looker).await.unwrap();
    (pages, pages - copied)
}

/// Accepts events, large ones, until so many pages stand in the log.
async fn write_until(ledger: &Ledger, looker: &SqlitePool, pages: i64) {
    let mut number = 0;
    while log(looker).await.0 < pages {
        let events = (number..number + 200).map(|number| {
            let mut big = event(&format!("w{pages}-{number}"), "c1");
            big.payload = "x".repeat(8_000);
            ledger.store.accept(big)
        });
        join_all(events).await.into_iter().for_each(|accepted| drop(accepted.unwrap()));
        number += 200;
    }
}

/// A part of what fills a log is enough: before it is full again it would begin anew in any case.
async fn begins_anew(ledger: &Ledger, looker: &SqlitePool) {
    let before = log(looker).await.0;
    loop {
        ledger.queue("c2").await;
        let pages = log(looker).await.0;
        if pages < LOG_PAGES / 2 {
            return;
        }
        assert!(pages < before + LOG_PAGES / 2, "what comes next still stands behind a long log: {pages}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The log would grow for ever if nobody copied it: a write copies nothing itself.
#[tokio::test]
async fn a_long_write_ahead_log_is_copied_into_the_ledger_and_begins_anew() {
    let ledger = Ledger::sqlite().await;
    let looker = SqlitePool::connect(ledger.config.url.expose_secret()).await.unwrap();
    write_until(&ledger, &looker, LOG_PAGES + 1_000).await;
    eventually("the log is copied", Duration::from_secs(60), async || (log(&looker).await.1 < 1_000).then_some(()))
        .await;
    begins_anew(&ledger, &looker).await;
}

/// It would grow by as much again before it is looked at the next time.
#[tokio::test]
async fn a_log_that_was_read_while_it_should_have_begun_anew_does_so_once_the_reader_is_gone() {
    let ledger = Ledger::sqlite().await;
    let looker = SqlitePool::connect(ledger.config.url.expose_secret()).await.unwrap();
    write_until(&ledger, &looker, LOG_PAGES - 500).await;
    let mut reader = looker.begin().await.unwrap();
    sqlx::query("select count(*) from events").execute(&mut *reader).await.unwrap();
    write_until(&ledger, &looker, LOG_PAGES + 1_000).await;
    eventually("what the reader lets be copied is", Duration::from_secs(60), async || {
        (log(&looker).await.1 < LOG_PAGES / 2).then_some(())
    })
    .await;
    assert!(log(&looker).await.0 > LOG_PAGES, "the reader holds the log");
    reader.rollback().await.unwrap();
    begins_anew(&ledger, &looker).await;
}

/// Another program writes, and an event waits for it with the writer's connection.
#[tokio::test]
async fn a_log_that_could_not_be_emptied_while_another_program_wrote_is_emptied_later() {
    let ledger = Ledger::sqlite().await;
    ledger.queue("c1").await;
    let looker = SqlitePool::connect(ledger.config.url.expose_secret()).await.unwrap();
    let other = looker.begin_with("begin immediate").await.unwrap();
    let accepted = tokio::spawn({
        let store = ledger.store.clone();
        async move { store.accept(event("m2", "c1")).await }
    });
    // It waits for the writer's connection, for less than that waits for another program.
    ledger.store.empty_log().await;
    assert!(log(&looker).await.0 > 0, "it is in use");
    other.rollback().await.unwrap();
    accepted.await.unwrap().unwrap();
    eventually("the log is emptied", Duration::from_secs(10), async || (log(&looker).await.0 == 0).then_some(())).await;
}

/// The log begins anew on the writer's own connection, which waits for nobody meanwhile.
#[tokio::test]
async fn the_writer_waits_for_other_programs_as_before_once_the_log_was_emptied() {
    let ledger = Ledger::sqlite().await;
    ledger.queue("c1").await;
    ledger.store.empty_log().await;
    let looker = SqlitePool::connect(ledger.config.url.expose_secret()).await.unwrap();
    assert_eq!(log(&looker).await, (0, 0));
    let other = looker.begin_with("begin immediate").await.unwrap();
    let accepted = tokio::spawn({
        let store = ledger.store.clone();
        async move { store.accept(event("m2", "c1")).await }
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!accepted.is_finished(), "somebody else writes");
    other.rollback().await.unwrap();
    accepted.await.unwrap().unwrap();
}
