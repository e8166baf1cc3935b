//! How many sockets there may be.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::Served;
use crate::limits::Limits;

/// Counts sockets, handshakes included.
pub(crate) struct Places {
    taken: Mutex<Taken>,
    all_max: usize,
    per_address_max: usize,
    refused_max: u32,
}

#[derive(Default)]
struct Taken {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
    refused: HashMap<IpAddr, Refused>,
}

/// Refusals of one address.
struct Refused {
    since: Duration,
    count: u32,
}

/// One socket's place; given back by drop.
pub(crate) struct Place {
    places: Arc<Places>,
    address: IpAddr,
}

impl Places {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            taken: Mutex::default(),
            all_max: limits.connections,
            per_address_max: limits.connections_per_address,
            refused_max: limits.refused_handshakes_per_minute,
        }
    }

    /// Counts a handshake that was refused.
    pub(crate) fn refused(&self, address: IpAddr, now: Duration) {
        if self.refused_max == 0 {
            return;
        }
        let mut taken = self.taken.lock();
        if taken.refused.len() >= REFUSED_MAX {
            taken
                .refused
                .retain(|_, refused| now.saturating_sub(refused.since) < MINUTE);
        }
        if taken.refused.len() >= REFUSED_MAX {
            // So many at once are no one address's doing.
            return;
        }
        let refused = taken.refused.entry(address).or_insert(Refused {
            since: now,
            count: 0,
        });
        if now.saturating_sub(refused.since) >= MINUTE {
            *refused = Refused {
                since: now,
                count: 0,
            };
        }
        refused.count = refused.count.saturating_add(1);
    }

    pub(crate) fn take(self: &Arc<Self>, address: IpAddr, now: Duration) -> Option<Place> {
        let mut taken = self.taken.lock();
        let is_locked_out = taken.refused.get(&address).is_some_and(|refused| {
            refused.count >= self.refused_max && now.saturating_sub(refused.since) < MINUTE
        });
        if is_locked_out {
            return None;
        }
        let own = taken.by_address.get(&address).copied().unwrap_or_default();
        if taken.all >= self.all_max || own >= self.per_address_max {
            return None;
        }
        taken.all += 1;
        taken.by_address.insert(address, own + 1);
        Some(Place {
            places: Arc::clone(self),
            address,
        })
    }
}

impl Place {
    /// Gives it back, and counts a refusal.
    pub(crate) fn given_back(self, served: Served, now: Duration) {
        if served == Served::Refused {
            self.places.refused(self.address, now);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock();
        taken.all = taken.all.saturating_sub(1);
        if let Some(own) = taken.by_address.get_mut(&self.address) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                taken.by_address.remove(&self.address);
            }
        }
    }
}

const MINUTE: Duration = Duration::from_secs(60);
/// Addresses whose refusals are kept.
const REFUSED_MAX: usize = 10_000;

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::sync::Arc;
    use std::time::Duration;

    use super::{Limits, Places};

    const ANN: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const BOB: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));
    const NOW: Duration = Duration::from_secs(1000);

    #[test]
    fn places_are_counted_by_address_and_given_back() {
        let places = Arc::new(Places::new(&Limits {
            connections: 3,
            connections_per_address: 2,
            ..Limits::default()
        }));
        let first = places.take(ANN, NOW).unwrap();
        let second = places.take(ANN, NOW).unwrap();
        assert!(places.take(ANN, NOW).is_none());
        let third = places.take(BOB, NOW).unwrap();
        drop(first);
        let fourth = places.take(BOB, NOW).unwrap();
        assert!(places.take(ANN, NOW).is_none(), "all are taken");
        drop((second, third, fourth));
        assert!(places.taken.lock().by_address.is_empty());
    }

    #[test]
    fn whoever_is_refused_too_often_waits_a_minute() {
        let places = Arc::new(Places::new(&Limits {
            refused_handshakes_per_minute: 2,
            ..Limits::default()
        }));
        places.refused(ANN, NOW);
        assert!(places.take(ANN, NOW).is_some());
        places.refused(ANN, NOW);
        assert!(places.take(ANN, NOW).is_none());
        assert!(places.take(BOB, NOW).is_some());
        let later = NOW + Duration::from_secs(60);
        assert!(places.take(ANN, later).is_some());
        places.refused(ANN, later);
        assert!(places.take(ANN, later).is_some(), "counted anew");
    }
}
