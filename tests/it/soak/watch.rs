//! Those who look on while a bridge works: at its pages, its metrics, its memory and its files.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::task::JoinHandle;

use crate::support::{OPERATOR, Sender};

/// What may be open more at the end than before: connections come and go.
const FILES_SLACK: usize = 8;
/// From here on a soak is long enough to compare with its first half.
const LONG_SECONDS: u64 = 600;
/// How often a soak says how far it has come.
const PRINTED_EVERY_SECONDS: u64 = 30;

/// Scrapes each second, as long as it is answered.
pub(super) async fn scrape(sender: Sender) {
    loop {
        let answer = sender.http.get(format!("{}/metrics", sender.base_url)).send().await;
        if !answer.is_ok_and(|answer| answer.status() == 200) {
            return;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Somebody at a page that follows what changes.
pub(super) struct Viewer {
    reading: JoinHandle<()>,
    changes: Arc<AtomicU64>,
}

impl Viewer {
    /// Whether the stream ended.
    pub(super) fn is_finished(&self) -> bool {
        self.reading.is_finished()
    }

    /// How much was seen.
    pub(super) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

/// Signs in and follows the console's stream.
pub(super) async fn look_on(sender: &Sender) -> Viewer {
    let once = reqwest::redirect::Policy::none();
    let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).redirect(once).build().unwrap();
    let sign_in = http.post(format!("{}/console/sign-in", sender.base_url));
    let sign_in =
        sign_in.header("origin", &sender.base_url).header("content-type", "application/x-www-form-urlencoded");
    let entered = sign_in.body(format!("token={OPERATOR}")).send().await.unwrap();
    let cookie = entered.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let stream = http.get(format!("{}/console/stream", sender.base_url)).header("cookie", cookie);
    let mut stream = stream.send().await.unwrap().error_for_status().unwrap();
    let changes = Arc::new(AtomicU64::new(0));
    let seen = changes.clone();
    let reading = tokio::spawn(async move {
        while let Ok(Some(chunk)) = stream.chunk().await {
            let lines = chunk.windows(5).filter(|window| window == b"data:").count();
            seen.fetch_add(lines as u64, Ordering::Relaxed);
        }
    });
    Viewer { reading, changes }
}

/// What a process holds, second by second: KiB of memory, open files.
pub(super) struct Samples {
    sampling: JoinHandle<()>,
    taken: Arc<std::sync::Mutex<Vec<(u64, usize)>>>,
}

impl Samples {
    /// `done` says how far the work has come; in a long soak that is printed now and then.
    pub(super) fn begin(process: u32, done: impl Fn() -> String + Send + 'static) -> Self {
        let taken = Arc::<std::sync::Mutex<Vec<_>>>::default();
        let into = taken.clone();
        let sampling = tokio::spawn(async move {
            for second in 0_u64.. {
                let (memory, files) = sample(process);
                into.lock().unwrap().push((memory, files));
                if second.is_multiple_of(PRINTED_EVERY_SECONDS) {
                    eprintln!("{second} s: {memory} KiB, {files} files, {}", done());
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
        Self { sampling, taken }
    }

    /// No more of them.
    pub(super) fn end(self) -> Self {
        self.sampling.abort();
        self
    }

    /// Neither memory nor files grow by more than a tenth from one quarter of the time to the last one; the ones before are warming up.
    pub(super) fn assert_flat(&self, seconds: u64) {
        let taken = self.taken.lock().unwrap();
        let quarter = taken.len() / 4;
        let first = if seconds >= LONG_SECONDS { 1 } else { 2 };
        let before = &taken[first * quarter..(first + 1) * quarter];
        let after = &taken[3 * quarter..];
        let memory = |samples: &[(u64, usize)]| median(samples.iter().map(|sample| sample.0).collect());
        // The most at any moment says how many came at once; what stays open is open most of the time.
        let files = |samples: &[(u64, usize)]| median(samples.iter().map(|sample| sample.1).collect());
        eprintln!("memory {} → {} KiB, files {} → {}", memory(before), memory(after), files(before), files(after));
        assert!(memory(after) * 10 <= memory(before) * 11, "memory grows: {} → {} KiB", memory(before), memory(after));
        assert!(files(after) <= files(before) + FILES_SLACK, "files stay open: {} → {}", files(before), files(after));
    }
}

fn median<T: Ord + Copy>(mut values: Vec<T>) -> T {
    values.sort_unstable();
    values[values.len() / 2]
}

fn sample(process: u32) -> (u64, usize) {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let files = std::fs::read_dir(format!("/proc/{process}/fd")).unwrap().count();
    (line.trim().trim_end_matches(" kB").parse().unwrap(), files)
}
