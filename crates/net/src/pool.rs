//! Connections that wait for their next request.
//!
//! Each runtime keeps its own, as its driver wakes whoever waits for their sockets; nobody is woken on another
//! thread. Owns how many wait and how long. Invariant: none waits longer than the idle time and a second.

use std::sync::{Arc, Weak};
use std::time::Duration;

use farebox_base::FastMap;
use parking_lot::Mutex;
use tokio::runtime::{Handle, Id};
use tokio::time::Instant;

use crate::link::{Link, Shared};
use crate::target::Target;

const SWEEP_EVERY: Duration = Duration::from_secs(1);

pub(crate) struct Pool {
    idle_max: usize,
    idle_time: Duration,
    places: Mutex<FastMap<Id, Arc<Place>>>,
}

/// The connections of one runtime.
pub(crate) type Place = Mutex<FastMap<Target, Waiting>>;

#[derive(Default)]
pub(crate) struct Waiting {
    links: Vec<(Box<Link>, Instant)>,
    shared: Option<(Shared, Instant)>,
}

/// A connection for a request.
pub(crate) enum Way {
    Alone(Box<Link>),
    Shared(Shared),
}

impl Pool {
    pub(crate) fn new(idle_max: usize, idle_time: Duration) -> Arc<Self> {
        Arc::new(Self { idle_max, idle_time, places: Mutex::default() })
    }

    /// The connection that was used last, of those which this runtime keeps for the target.
    pub(crate) fn take(&self, target: &Target) -> Option<Way> {
        let place = self.place(Handle::current().id())?;
        loop {
            let mut link = {
                let mut place = place.lock();
                let waiting = place.get_mut(target)?;
                if let Some((shared, used_at)) = waiting.shared.as_mut().filter(|(shared, _)| shared.is_open()) {
                    *used_at = Instant::now();
                    return Some(Way::Shared(shared.clone()));
                }
                waiting.links.pop()?.0
            };
            if link.is_free() {
                return Some(Way::Alone(link));
            }
        }
    }

    /// Takes a connection back, and closes it where too many wait already. Whether it is free is looked at when it is
    /// taken, which it has to be in any case.
    pub(crate) fn put(&self, target: &Target, link: Box<Link>) {
        let Some(place) = self.place(link.runtime()).filter(|_| link.is_open()) else { return };
        let mut place = place.lock();
        let waiting = match place.get_mut(target) {
            Some(waiting) => waiting,
            None => place.entry(target.clone()).or_default(),
        };
        if waiting.links.len() < self.idle_max {
            waiting.links.push((link, Instant::now()));
        }
    }

    /// Keeps a connection that is shared, and answers the one to use: another may have been opened meanwhile.
    pub(crate) fn share(self: &Arc<Self>, target: &Target, opened: Shared) -> Shared {
        let place = self.enroll();
        let mut place = place.lock();
        let waiting = place.entry(target.clone()).or_default();
        match &waiting.shared {
            Some((shared, _)) if shared.is_open() => shared.clone(),
            _ => {
                waiting.shared = Some((opened.clone(), Instant::now()));
                opened
            }
        }
    }

    fn place(&self, runtime: Id) -> Option<Arc<Place>> {
        self.places.lock().get(&runtime).cloned()
    }

    /// The place of the current runtime; to be made before a connection is opened there.
    pub(crate) fn enroll(self: &Arc<Self>) -> Arc<Place> {
        let runtime = Handle::current().id();
        let mut places = self.places.lock();
        if let Some(place) = places.get(&runtime) {
            return place.clone();
        }
        let place = Arc::<Place>::default();
        places.insert(runtime, place.clone());
        let leaving = Leaving { pool: Arc::downgrade(self), runtime };
        tokio::spawn(sweep(leaving, Arc::downgrade(&place), self.idle_time));
        place
    }
}

/// Closes what has waited too long or was closed by the far side, as long as the pool lives.
async fn sweep(leaving: Leaving, place: Weak<Place>, idle_time: Duration) {
    loop {
        tokio::time::sleep(idle_time.min(SWEEP_EVERY)).await;
        let Some(place) = place.upgrade().filter(|_| leaving.pool.strong_count() > 0) else { return };
        let now = Instant::now();
        let is_recent = |since: &Instant| now.duration_since(*since) < idle_time;
        place.lock().retain(|_, waiting| {
            waiting.links.retain_mut(|(link, since)| is_recent(since) && link.is_free());
            waiting.shared.take_if(|(shared, since)| !is_recent(since) || !shared.is_open());
            !waiting.links.is_empty() || waiting.shared.is_some()
        });
    }
}

/// Removes a runtime's place when the runtime ends.
struct Leaving {
    pool: Weak<Pool>,
    runtime: Id,
}

impl Drop for Leaving {
    fn drop(&mut self) {
        if let Some(pool) = self.pool.upgrade() {
            let place = pool.places.lock().remove(&self.runtime);
            drop(place);
        }
    }
}
