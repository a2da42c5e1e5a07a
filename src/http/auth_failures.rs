//! Failed authentications: how many an address has, and what they cost it.
//!
//! After its `api.auth_failure_limit` an address has its tokens checked one after the other, and a wrong one keeps the next
//! waiting for [`PACE`]. So it learns of ten guesses a second at most, over however many connections it asks; and a right
//! token always passes, once it is its turn.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::problem::Problem;

/// How long a wrong token keeps the next one of its address waiting.
pub(super) const PACE: Duration = Duration::from_millis(100);
/// After so many failures addresses are forgotten whose failures have passed, so that memory is bounded by who is busy.
const COUNTS_BETWEEN_SWEEPS: u32 = 4_096;

/// Failures of all addresses.
#[derive(Debug)]
pub(super) struct Failures {
    /// So many a minute are nothing.
    limit: f64,
    addresses: Mutex<Addresses>,
}

#[derive(Debug, Default)]
struct Addresses {
    known: HashMap<IpAddr, Address>,
    counts: u32,
}

#[derive(Debug)]
struct Address {
    /// Failures that have not passed yet; they pass at the limit's pace.
    level: f64,
    at: Instant,
    queue: Arc<Queue>,
}

/// Where the tokens of one address wait for their turn; holds when the next may be checked.
#[derive(Debug)]
pub(super) struct Queue(tokio::sync::Mutex<Instant>);

impl Failures {
    /// `limit` failures a minute are nothing.
    pub(super) fn new(limit: u32) -> Self {
        Self { limit: f64::from(limit), addresses: Mutex::default() }
    }

    /// Counts a failure of this address.
    ///
    /// # Errors
    /// [`Problem::TooManyFailures`] if it is one too many.
    pub(super) fn count(&self, address: IpAddr) -> Result<(), Problem> {
        let now = Instant::now();
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        self.sweep(&mut addresses, now);
        let fresh = || Address { level: 0.0, at: now, queue: Arc::new(Queue(tokio::sync::Mutex::new(now))) };
        let known = addresses.known.entry(address).or_insert_with(fresh);
        // However many there were: a while after the last one all is forgotten.
        known.level = (self.level(known, now) + 1.0).min(self.limit + 1.0);
        known.at = now;
        let over = known.level - self.limit;
        if over > 0.0 { Err(Problem::TooManyFailures(self.passing(over))) } else { Ok(()) }
    }

    /// Where the address has to wait for its turn, if it has failed too often.
    pub(super) fn queue(&self, address: IpAddr) -> Option<Arc<Queue>> {
        let addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        let known = addresses.known.get(&address)?;
        (self.level(known, Instant::now()) >= self.limit).then(|| Arc::clone(&known.queue))
    }

    fn level(&self, address: &Address, now: Instant) -> f64 {
        let passed = now.duration_since(address.at).as_secs_f64() * self.limit / 60.0;
        (address.level - passed).max(0.0)
    }

    /// How long it takes until so many failures have passed.
    fn passing(&self, failures: f64) -> Duration {
        Duration::from_secs_f64(failures * 60.0 / self.limit)
    }

    fn sweep(&self, addresses: &mut Addresses, now: Instant) {
        addresses.counts += 1;
        if addresses.counts >= COUNTS_BETWEEN_SWEEPS {
            addresses.counts = 0;
            let waits = |address: &Address| Arc::strong_count(&address.queue) > 1;
            addresses.known.retain(|_, address| self.level(address, now) > 0.0 || waits(address));
            addresses.known.shrink_to_fit();
        }
    }
}

impl Queue {
    /// Checks a token, or what stands for one, when it is its turn. Whoever goes away meanwhile leaves the queue; one that
    /// went away in its turn still keeps the next one waiting.
    pub(super) async fn in_turn<T>(&self, check: impl Future<Output = Result<T, Problem>>) -> Result<T, Problem> {
        let mut next = self.0.lock().await;
        tokio::time::sleep_until(*next).await;
        *next = Instant::now() + PACE;
        let checked = check.await;
        *next = if checked.is_err() { Instant::now() + PACE } else { Instant::now() };
        checked
    }
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;

    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    #[test]
    fn an_address_gets_its_failures_and_not_one_more_and_the_next_address_its_own() {
        let failures = Failures::new(3);
        for _ in 0..3 {
            assert_eq!(failures.count(address(1)), Ok(()));
        }
        assert!(matches!(failures.count(address(1)), Err(Problem::TooManyFailures(_))));
        assert!(failures.queue(address(1)).is_some());
        assert_eq!(failures.count(address(2)), Ok(()));
        assert!(failures.queue(address(2)).is_none() && failures.queue(address(3)).is_none());
    }

    #[test]
    fn failures_pass() {
        // Twenty a second.
        let failures = Failures::new(1_200);
        for _ in 0..10_000 {
            let _ = failures.count(address(1));
        }
        assert!(failures.queue(address(1)).is_some());
        std::thread::sleep(failures.passing(2.0));
        assert!(failures.queue(address(1)).is_none(), "however many there were");
    }

    #[test]
    fn addresses_at_rest_are_forgotten() {
        let failures = Failures::new(1_000_000);
        for number in 0..COUNTS_BETWEEN_SWEEPS * 2 {
            failures.count(IpAddr::from(number.to_be_bytes())).unwrap();
        }
        let known = failures.addresses.lock().unwrap().known.len();
        assert!(known < COUNTS_BETWEEN_SWEEPS as usize, "{known}");
    }

    #[tokio::test]
    async fn wrong_tokens_wait_for_each_other_and_right_ones_keep_nobody_waiting() {
        let queue = Queue(tokio::sync::Mutex::new(Instant::now()));
        let wrong = || queue.in_turn(async { Err::<(), _>(Problem::TokenUnknown) });
        let right = || queue.in_turn(async { Ok(()) });
        let began = Instant::now();
        assert!(join_all((0..6).map(|_| wrong())).await.iter().all(Result::is_err));
        assert!(began.elapsed() >= PACE * 5, "{:?}", began.elapsed());
        let began = Instant::now();
        assert!(join_all((0..100).map(|_| right())).await.iter().all(Result::is_ok));
        assert!(began.elapsed() < PACE * 5, "{:?}", began.elapsed());
    }

    #[tokio::test]
    async fn whoever_does_not_wait_for_the_answer_gains_nothing() {
        let queue = Queue(tokio::sync::Mutex::new(Instant::now()));
        let mut checked = 0;
        let began = Instant::now();
        while began.elapsed() < PACE * 3 {
            let guess = queue.in_turn(async {
                checked += 1;
                Err::<(), _>(Problem::TokenUnknown)
            });
            let _ = tokio::time::timeout(Duration::from_millis(1), guess).await;
        }
        assert!((1..=4).contains(&checked), "{checked} guesses");
    }
}
