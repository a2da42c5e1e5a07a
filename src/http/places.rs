//! Who may connect: a bound on all connections, a bound an address, and a reserve for what must always get through, in which
//! whoever has stood longest gives way while it is full.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use super::rates::Remote;
use crate::config::RESERVE;

/// How many of them one address may have, where addresses have limits: whoever opens and opens keeps nobody else from them.
const RESERVE_PER_ADDRESS: usize = 4;
/// So long a connection of the reserve is served in any case …
const RESERVE_STAY: Duration = Duration::from_millis(250);
/// … and so much longer while nobody else wants its place.
const RESERVE_LONGER: Duration = Duration::from_millis(4_750);

/// The places of a server.
#[derive(Debug)]
pub(super) struct Places {
    /// The ordinary ones and the reserve.
    all: Arc<Semaphore>,
    ordinary: Arc<Semaphore>,
    count: usize,
    /// 0 sets no limit.
    per_address: usize,
    taken: Arc<Mutex<HashMap<IpAddr, Taken>>>,
    wanted: Arc<Wanted>,
}

/// Whether a client waits for a place, and who is told of it: whoever has stood in the reserve longest.
#[derive(Debug, Default)]
struct Wanted {
    is_waited: AtomicBool,
    told: Notify,
}

/// Whether a connection brought a request that is signed: such a one gives way to nobody.
#[derive(Debug, Clone, Default)]
pub(super) struct Signed(Arc<AtomicBool>);

impl Signed {
    /// It did.
    pub(super) fn note(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_noted(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What one address has.
#[derive(Debug, Default)]
struct Taken {
    all: usize,
    /// Those of the reserve among them.
    reserve: usize,
}

/// A place that nobody stands in yet.
#[derive(Debug)]
pub(super) struct FreePlace {
    _permit: OwnedSemaphorePermit,
}

/// A connection's place; free again when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    _any: FreePlace,
    ordinary: Option<OwnedSemaphorePermit>,
    _address: Option<AddressCount>,
    wanted: Arc<Wanted>,
    signed: Signed,
}

impl Places {
    /// `count` ordinary places, of which one address gets `per_address`; 0 sets no limit on an address.
    pub(super) fn new(count: usize, per_address: usize) -> Self {
        let count = count.clamp(1, Semaphore::MAX_PERMITS - RESERVE);
        Self {
            all: Arc::new(Semaphore::new(count + RESERVE)),
            ordinary: Arc::new(Semaphore::new(count)),
            count,
            per_address,
            taken: Arc::default(),
            wanted: Arc::default(),
        }
    }

    /// Waits until there is a place of either kind for a client that is there; where there is none, whoever has stood in the
    /// reserve longest gives way.
    pub(super) async fn free(&self) -> Option<FreePlace> {
        let free = match self.all.clone().try_acquire_owned() {
            Ok(free) => free,
            Err(_) => {
                self.wanted.is_waited.store(true, Ordering::Relaxed);
                self.wanted.told.notify_one();
                let free = self.all.clone().acquire_owned().await;
                self.wanted.is_waited.store(false, Ordering::Relaxed);
                free.ok()?
            }
        };
        Some(FreePlace { _permit: free })
    }

    /// Gives a place to a connection from this address, or nothing if the address has as many as it may have. One of a trusted
    /// proxy, which is many clients, is not counted.
    pub(super) fn take(&self, free: FreePlace, counted: Option<Remote>) -> Option<Place> {
        let ordinary = self.ordinary.clone().try_acquire_owned().ok();
        let address = match counted {
            Some(remote) => Some(self.one_more(remote.network(), ordinary.is_none())?),
            None => None,
        };
        let wanted = Arc::clone(&self.wanted);
        Some(Place { _any: free, ordinary, _address: address, wanted, signed: Signed::default() })
    }

    /// Counts a connection of an address that may have one more.
    fn one_more(&self, address: IpAddr, is_reserve: bool) -> Option<AddressCount> {
        let mut counts = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = counts.entry(address).or_default();
        let is_full = taken.all >= self.per_address || is_reserve && taken.reserve >= RESERVE_PER_ADDRESS;
        if self.per_address > 0 && is_full {
            return None;
        }
        taken.all += 1;
        taken.reserve += usize::from(is_reserve);
        Some(AddressCount { taken: Arc::clone(&self.taken), address, is_reserve })
    }

    /// How many connections are open.
    pub(super) fn open(&self) -> usize {
        (self.count + RESERVE).saturating_sub(self.all.available_permits())
    }
}

impl Place {
    /// Whether this is a place of the reserve: only what must always get through is served there.
    pub(super) fn is_reserve(&self) -> bool {
        self.ordinary.is_none()
    }

    /// By which the connection says that it brought what is signed.
    pub(super) fn signed(&self) -> Signed {
        self.signed.clone()
    }

    /// Waits until the connection has to go: never, or in the reserve after a while, and sooner where others want its place
    /// and it brought nothing that is signed.
    pub(super) async fn is_over(&self) {
        if !self.is_reserve() {
            return std::future::pending().await;
        }
        tokio::time::sleep(RESERVE_STAY).await;
        // Either way it is over.
        let _ = tokio::time::timeout(RESERVE_LONGER, self.gives_way()).await;
    }

    async fn gives_way(&self) {
        loop {
            self.wanted.told.notified().await;
            if self.signed.is_noted() {
                // Whoever stands next may give way.
                self.wanted.told.notify_one();
                return std::future::pending().await;
            }
            // Whoever wanted a place may have one by now.
            if self.wanted.is_waited.load(Ordering::Relaxed) {
                return;
            }
        }
    }
}

/// One connection of an address, until it is dropped.
#[derive(Debug)]
struct AddressCount {
    taken: Arc<Mutex<HashMap<IpAddr, Taken>>>,
    address: IpAddr,
    is_reserve: bool,
}

impl Drop for AddressCount {
    fn drop(&mut self) {
        let mut counts = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = counts.get_mut(&self.address) {
            taken.all -= 1;
            taken.reserve -= usize::from(self.is_reserve);
            if taken.all == 0 {
                counts.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    fn remote(address: &str) -> Remote {
        Remote(address.parse().unwrap())
    }

    fn take(places: &Places, address: &str) -> Option<Place> {
        let free = places.free().now_or_never().expect("a place is free").unwrap();
        places.take(free, Some(remote(address)))
    }

    #[test]
    fn a_trusted_proxy_is_not_counted_as_an_address() {
        let places = Places::new(10, 1);
        let free = || places.free().now_or_never().expect("a place is free").unwrap();
        let held: Vec<_> = (0..3).map(|_| places.take(free(), None).unwrap()).collect();
        assert_eq!((held.len(), places.taken.lock().unwrap().len()), (3, 0));
    }

    #[tokio::test]
    async fn who_has_stood_in_the_reserve_longest_gives_way_and_what_is_signed_does_not() {
        let places = Places::new(1, 0);
        let held: Vec<_> = (0..1 + RESERVE).map(|_| take(&places, "10.0.0.1").unwrap()).collect();
        held[1].signed().note();
        let first = held[1..].iter().map(|place| Box::pin(place.is_over()));
        let mut reserve: Vec<_> = first.collect();
        for stay in &mut reserve {
            assert!(stay.now_or_never().is_none());
        }
        tokio::time::sleep(RESERVE_STAY * 2).await;
        for stay in &mut reserve {
            assert!(stay.now_or_never().is_none(), "nobody wants a place");
        }
        let mut wanted = Box::pin(places.free());
        assert!((&mut wanted).now_or_never().is_none());
        let over: Vec<_> = reserve.iter_mut().map(|stay| stay.now_or_never().is_some()).collect();
        assert_eq!(over.iter().position(|over| *over), Some(1), "the first one is signed: {over:?}");
        assert_eq!(over.iter().filter(|over| **over).count(), 1);
    }

    #[test]
    fn an_address_gets_its_share_and_not_one_more_and_the_next_address_its_own() {
        let places = Places::new(10, 3);
        let mut held: Vec<_> = (0..3).map(|_| take(&places, "10.0.0.1").unwrap()).collect();
        assert!(take(&places, "10.0.0.1").is_none());
        assert!(take(&places, "10.0.0.2").is_some());
        held.pop();
        assert!(take(&places, "10.0.0.1").is_some());
        drop(held);
        assert_eq!((places.open(), places.taken.lock().unwrap().len()), (0, 0), "nobody is remembered");
    }

    #[test]
    fn zero_sets_no_limit_on_an_address() {
        let places = Places::new(100, 0);
        let held: Vec<_> = (0..100).map(|_| take(&places, "10.0.0.1").unwrap()).collect();
        assert!(held.iter().all(|place| !place.is_reserve()));
    }

    #[test]
    fn an_address_gets_its_share_of_the_reserve_and_not_one_more_and_the_next_address_its_own() {
        let places = Places::new(2, 100);
        let ordinary = [take(&places, "10.0.0.1").unwrap(), take(&places, "10.0.0.1").unwrap()];
        for address in ["10.0.0.1", "10.0.0.2"] {
            let mut held: Vec<_> = (0..RESERVE_PER_ADDRESS).map(|_| take(&places, address).unwrap()).collect();
            assert!(held.iter().all(Place::is_reserve) && take(&places, address).is_none(), "{address}");
            held.pop();
            assert!(take(&places, address).is_some(), "{address}");
        }
        drop(ordinary);
        assert_eq!((places.open(), places.taken.lock().unwrap().len()), (0, 0), "nobody is remembered");
    }

    #[test]
    fn behind_the_last_ordinary_place_stands_the_reserve_and_nothing_behind_it() {
        let places = Places::new(2, 0);
        let mut held: Vec<_> = (0..2 + RESERVE).map(|_| take(&places, "10.0.0.1").unwrap()).collect();
        let reserve: Vec<bool> = held.iter().map(Place::is_reserve).collect();
        assert_eq!(reserve, [vec![false; 2], vec![true; RESERVE]].concat());
        assert!(places.free().now_or_never().is_none());
        held.remove(0);
        assert!(!take(&places, "10.0.0.1").unwrap().is_reserve(), "an ordinary place is free again");
    }
}
