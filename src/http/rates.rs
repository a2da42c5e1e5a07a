//! Rate limits: webhooks per remote address, REST calls and previews per token, failed authentications per address.

use std::{
    hash::Hash,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    extract::FromRequestParts,
    http::{Extensions, request::Parts},
};
use governor::{
    DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
};

use super::{auth_failures::Failures, problem::Problem, sign_in_pauses::SignInPauses};

/// After so many checks a limiter forgets the keys that are at rest, so that its memory stays bounded by what is busy.
const CHECKS_BETWEEN_SWEEPS: u64 = 4_096;

/// Tests of the alerts' targets in a minute: with what the watch sends, fewer than a robot takes.
const ALERT_TESTS: NonZeroU32 = NonZeroU32::new(3).unwrap();

/// The address that a request comes from, as `server.rs` saw it, or as a trusted proxy did (`proxies.rs`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Remote(pub IpAddr);

impl Remote {
    /// The address noted in a request; the unspecified one if nobody noted any.
    pub fn of(extensions: &Extensions) -> Self {
        extensions.get().copied().unwrap_or(Self(IpAddr::V4(Ipv4Addr::UNSPECIFIED)))
    }

    /// What is counted: an IPv4 address, or the /64 network that one IPv6 subscriber can roam in.
    pub(super) fn network(self) -> IpAddr {
        match self.0.to_canonical() {
            IpAddr::V4(address) => IpAddr::V4(address),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Remote {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self::of(&parts.extensions))
    }
}

/// The door's limiters.
#[derive(Debug)]
pub struct RateLimits {
    webhooks: Option<Limiter<IpAddr>>,
    tokens: Option<Limiter<Arc<str>>>,
    previews: Option<Limiter<Arc<str>>>,
    alert_tests: Limiter<()>,
    failures: Option<Failures>,
    sign_ins: Option<SignInPauses>,
}

impl RateLimits {
    /// `webhooks` and `tokens` a second (with a burst of as many), `failures` and `previews` a minute; 0 sets no limit.
    pub fn new(webhooks: u32, tokens: u32, failures: u32, previews: u32) -> Self {
        Self {
            webhooks: NonZeroU32::new(webhooks).map(|count| Limiter::new(Quota::per_second(count))),
            tokens: NonZeroU32::new(tokens).map(|count| Limiter::new(Quota::per_second(count))),
            previews: NonZeroU32::new(previews).map(|count| Limiter::new(Quota::per_minute(count))),
            alert_tests: Limiter::new(Quota::per_minute(ALERT_TESTS)),
            failures: (failures > 0).then(|| Failures::new(failures)),
            sign_ins: (failures > 0).then(SignInPauses::default),
        }
    }

    /// Counts a webhook of this address.
    ///
    /// # Errors
    /// [`Problem::RateLimited`] if it is one too many.
    pub fn webhook(&self, remote: Remote) -> Result<(), Problem> {
        check(self.webhooks.as_ref(), &remote.network()).map_err(Problem::RateLimited)
    }

    /// Counts a call of this token.
    ///
    /// # Errors
    /// [`Problem::RateLimited`] if it is one too many.
    pub fn token(&self, name: &Arc<str>) -> Result<(), Problem> {
        check(self.tokens.as_ref(), name).map_err(Problem::RateLimited)
    }

    /// Counts a preview of this token, which asks the ERP.
    ///
    /// # Errors
    /// [`Problem::RateLimited`] if it is one too many.
    pub fn preview(&self, name: &Arc<str>) -> Result<(), Problem> {
        check(self.previews.as_ref(), name).map_err(Problem::RateLimited)
    }

    /// Counts a test of the alerts' targets, whoever asks for it.
    ///
    /// # Errors
    /// [`Problem::RateLimited`] if it is one too many.
    pub fn alert_test(&self) -> Result<(), Problem> {
        check(Some(&self.alert_tests), &()).map_err(Problem::RateLimited)
    }

    /// Counts a failed authentication of this address.
    ///
    /// # Errors
    /// [`Problem::TooManyFailures`] if it is one too many.
    pub fn failed_authentication(&self, remote: Remote) -> Result<(), Problem> {
        metrics::counter!("erp_bridge_authentication_failures_total").increment(1);
        self.failures.as_ref().map_or(Ok(()), |failures| failures.count(remote.network()))
    }

    /// Keeps the answer to a failed sign-in of this address waiting, each one longer than the one before.
    pub(crate) async fn failed_sign_in(&self, remote: Remote) {
        if let Some(pauses) = &self.sign_ins {
            let now = tokio::time::Instant::now();
            tokio::time::sleep(pauses.next(remote.network(), now)).await;
        }
    }

    /// Forgets the failed sign-ins of this address: somebody has signed in.
    pub(crate) fn signed_in(&self, remote: Remote) {
        if let Some(pauses) = &self.sign_ins {
            pauses.forget(remote.network());
        }
    }

    /// Checks a token, or what stands for one, at once; in its address's turn, where that has failed too often.
    pub(crate) async fn in_turn<T>(
        &self,
        remote: Remote,
        check: impl Future<Output = Result<T, Problem>>,
    ) -> Result<T, Problem> {
        match self.failures.as_ref().and_then(|failures| failures.queue(remote.network())) {
            None => check.await,
            Some(queue) => queue.in_turn(check).await,
        }
    }
}

fn check<K: Hash + Eq + Clone>(limiter: Option<&Limiter<K>>, key: &K) -> Result<(), Duration> {
    limiter.map_or(Ok(()), |limiter| limiter.check(key))
}

#[derive(Debug)]
struct Limiter<K: Hash + Eq + Clone> {
    inner: DefaultKeyedRateLimiter<K>,
    checks: AtomicU64,
}

impl<K: Hash + Eq + Clone> Limiter<K> {
    fn new(quota: Quota) -> Self {
        Self { inner: RateLimiter::keyed(quota), checks: AtomicU64::new(0) }
    }

    /// Counts one; if it is one too many, says how long to wait.
    fn check(&self, key: &K) -> Result<(), Duration> {
        if self.checks.fetch_add(1, Ordering::Relaxed) % CHECKS_BETWEEN_SWEEPS == CHECKS_BETWEEN_SWEEPS - 1 {
            self.inner.retain_recent();
            self.inner.shrink_to_fit();
        }
        self.inner.check_key(key).map_err(|until| until.wait_time_from(DefaultClock::default().now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remote(address: &str) -> Remote {
        Remote(address.parse().unwrap())
    }

    #[test]
    fn zero_sets_no_limit() {
        let limits = RateLimits::new(0, 0, 0, 0);
        for _ in 0..10_000 {
            assert_eq!(limits.webhook(remote("10.0.0.1")), Ok(()));
            assert_eq!(limits.token(&"ops".into()), Ok(()));
        }
    }

    #[test]
    fn an_ipv6_network_counts_as_one_and_a_mapped_address_as_its_ipv4() {
        assert_eq!(remote("2001:db8::1").network(), remote("2001:db8::ffff:2").network());
        assert_ne!(remote("2001:db8::1").network(), remote("2001:db8:0:1::1").network());
        assert_eq!(remote("::ffff:10.0.0.1").network(), remote("10.0.0.1").network());
    }

    #[test]
    fn keys_at_rest_are_forgotten() {
        let limiter = Limiter::new(Quota::per_second(NonZeroU32::new(1_000_000).unwrap()));
        for key in 0..(CHECKS_BETWEEN_SWEEPS * 2) {
            assert_eq!(limiter.check(&key), Ok(()));
        }
        assert!(limiter.inner.len() < usize::try_from(CHECKS_BETWEEN_SWEEPS).unwrap(), "{}", limiter.inner.len());
    }
}
