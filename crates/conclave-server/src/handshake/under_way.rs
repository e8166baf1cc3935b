//! Sockets that are no WebSocket connections yet: how many there may be.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::rc::Rc;

use super::{Reception, counted_as};

/// The sockets of one worker that are no WebSocket connections yet, all and by address.
#[derive(Debug, Default)]
pub(crate) struct UnderWay {
    all: Cell<u32>,
    by_address: RefCell<BTreeMap<IpAddr, u32>>,
}

/// Why a socket is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Crowded {
    /// Its address has as many as it may have connections.
    Address,
    /// The worker has as many as it serves.
    All,
}

impl UnderWay {
    /// Whether there is no such socket.
    pub(crate) fn is_empty(&self) -> bool {
        self.all.get() == 0
    }
}

/// A place among the sockets under way, given back when it is dropped.
pub(crate) struct Place {
    reception: Rc<Reception>,
    address: Option<IpAddr>,
}

impl Place {
    /// Takes a place for a socket of `peer`, so that nobody alone can keep others out.
    ///
    /// # Errors
    /// There is none left.
    pub(crate) fn take(reception: &Rc<Reception>, peer: IpAddr) -> Result<Self, Crowded> {
        let under_way = &reception.under_way;
        if under_way.all.get() >= UNDER_WAY_MAX {
            return Err(Crowded::All);
        }
        let limit = reception.worker.node().limits.connections_per_address;
        let address = (limit != 0 && reception.is_counted(peer)).then(|| counted_as(peer));
        if let Some(address) = address {
            let mut by_address = under_way.by_address.borrow_mut();
            let count = by_address.entry(address).or_insert(0);
            if *count >= limit {
                return Err(Crowded::Address);
            }
            *count += 1;
        }
        under_way.all.set(under_way.all.get() + 1);
        Ok(Self {
            reception: Rc::clone(reception),
            address,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let under_way = &self.reception.under_way;
        under_way.all.set(under_way.all.get().saturating_sub(1));
        let Some(address) = self.address else { return };
        let mut by_address = under_way.by_address.borrow_mut();
        if let Some(count) = by_address.get_mut(&address) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                by_address.remove(&address);
            }
        }
    }
}

impl Reception {
    /// Whether sockets of this peer are counted: a proxy's are those of many clients, and in
    /// dev mode loopback peers have no limit.
    fn is_counted(&self, peer: IpAddr) -> bool {
        let setup = &self.worker.node().setup;
        let is_proxy = setup
            .config
            .server
            .trusted_proxies
            .iter()
            .any(|net| net.contains(&peer));
        !(is_proxy || setup.profile.dev && peer.is_loopback())
    }
}

/// Sockets of one worker that are not connections yet.
const UNDER_WAY_MAX: u32 = 4096;
