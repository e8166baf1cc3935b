//! Which connections there are, and what each hears.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use parking_lot::{Mutex, RwLock};

use crate::address::Address;
use crate::connection::{Closing, Connection, ConnectionId};
use crate::{AsyncApiError, AsyncApiResult};

/// Decides who hears which channel with parameters. Channels without are heard by everybody whose
/// claims allow it.
#[async_trait]
pub trait Subscriptions: Send + Sync {
    /// A connection was opened: subscribe it to what it shall hear from the start.
    ///
    /// # Errors
    /// The connection is refused.
    async fn opened(&self, connection: &Connection) -> AsyncApiResult<()> {
        let _ = connection;
        Ok(())
    }

    /// Whether a handshake whose path names this address may hear it. No, unless overridden.
    ///
    /// # Errors
    /// As no.
    async fn may_subscribe(
        &self,
        connection: &Connection,
        address: &Address,
    ) -> AsyncApiResult<bool> {
        let _ = (connection, address);
        Ok(false)
    }

    /// A connection has ended; its subscriptions are gone already.
    fn closed(&self, connection: &Connection) {
        let _ = connection;
    }
}

/// Subscribes nobody to anything.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSubscriptions;

impl Subscriptions for NoSubscriptions {}

#[async_trait]
impl<T: Subscriptions + ?Sized> Subscriptions for Arc<T> {
    async fn opened(&self, connection: &Connection) -> AsyncApiResult<()> {
        (**self).opened(connection).await
    }

    async fn may_subscribe(
        &self,
        connection: &Connection,
        address: &Address,
    ) -> AsyncApiResult<bool> {
        (**self).may_subscribe(connection, address).await
    }

    fn closed(&self, connection: &Connection) {
        (**self).closed(connection);
    }
}

/// The open connections of a service.
#[derive(Clone)]
pub struct Connections(pub(crate) Arc<Hub>);

impl Connections {
    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.table.read().open.len()
    }

    /// All of them, in the order in which they were opened.
    #[must_use]
    pub fn all(&self) -> Vec<Connection> {
        self.0.table.read().open.values().cloned().collect()
    }

    /// The one with this number.
    #[must_use]
    pub fn get(&self, id: ConnectionId) -> Option<Connection> {
        self.0.table.read().open.get(&id).cloned()
    }

    /// Those of a user, in the order in which they were opened.
    #[must_use]
    pub fn of_user(&self, user: &str) -> Vec<Connection> {
        let table = self.0.table.read();
        let ids = table.users.get(user).into_iter().flatten();
        ids.filter_map(|id| table.open.get(id).cloned()).collect()
    }

    /// Those that are subscribed to this address.
    #[must_use]
    pub fn subscribed(&self, address: &Address) -> Vec<Connection> {
        let table = self.0.table.read();
        let heard = table.heard.get(address.as_str());
        heard.map_or_else(Vec::new, |heard| heard.values().cloned().collect())
    }
}

impl std::fmt::Debug for Connections {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Connections({})", self.count())
    }
}

/// What was published reached so many connections; it waits to be written there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Connections that it was queued for.
    pub connections: usize,
}

pub(crate) struct Hub {
    table: RwLock<Table>,
    /// Whoever publishes holds the one of the address, so that all who hear it hear the same
    /// order. Taken before the table.
    orders: [Mutex<()>; ORDERS],
    hasher: RandomState,
    next_id: AtomicU64,
    per_user_max: usize,
    subscriptions_max: usize,
}

#[derive(Default)]
struct Table {
    open: BTreeMap<ConnectionId, Connection>,
    users: HashMap<Box<str>, Vec<ConnectionId>>,
    heard: HashMap<Box<str>, BTreeMap<ConnectionId, Connection>>,
    hears: HashMap<ConnectionId, HashSet<Box<str>>>,
    is_closing: bool,
}

impl Hub {
    pub(crate) fn new(first_id: u64, per_user_max: usize, subscriptions_max: usize) -> Self {
        Self {
            table: RwLock::default(),
            orders: Default::default(),
            hasher: RandomState::new(),
            next_id: AtomicU64::new(first_id),
            per_user_max,
            subscriptions_max,
        }
    }

    pub(crate) fn next_id(&self) -> ConnectionId {
        ConnectionId(self.next_id.fetch_add(1, Ordering::Relaxed))
    }

    /// Takes a connection in; says why not.
    pub(crate) fn open(&self, connection: &Connection) -> Result<(), &'static str> {
        let mut table = self.table.write();
        if table.is_closing {
            return Err(GOING_AWAY);
        }
        if let Some(claims) = connection.claims() {
            let own = table.users.entry(claims.subject().into()).or_default();
            if own.len() >= self.per_user_max {
                return Err("too many connections of this user");
            }
            own.push(connection.id());
        }
        table.open.insert(connection.id(), connection.clone());
        Ok(())
    }

    /// Forgets a connection and all that it hears.
    pub(crate) fn close(&self, connection: &Connection) {
        let id = connection.id();
        let mut table = self.table.write();
        table.open.remove(&id);
        if let Some(claims) = connection.claims()
            && let Some(own) = table.users.get_mut(claims.subject())
        {
            own.retain(|other| *other != id);
            if own.is_empty() {
                table.users.remove(claims.subject());
            }
        }
        for address in table.hears.remove(&id).into_iter().flatten() {
            table.forget(&address, id);
        }
    }

    /// Ends all connections, and refuses new ones from now on.
    pub(crate) fn close_all(&self, closing: Closing) {
        let mut table = self.table.write();
        table.is_closing = true;
        let open: Vec<Connection> = table.open.values().cloned().collect();
        drop(table);
        for connection in open {
            connection.end(closing);
        }
    }

    pub(crate) fn subscribe(
        &self,
        connection: &Connection,
        address: &Address,
    ) -> AsyncApiResult<()> {
        let id = connection.id();
        let mut table = self.table.write();
        if !table.open.contains_key(&id) {
            return Err(AsyncApiError::not_found("the connection has ended"));
        }
        let hears = table.hears.entry(id).or_default();
        if hears.contains(address.as_str()) {
            return Ok(());
        }
        if hears.len() >= self.subscriptions_max {
            return Err(AsyncApiError::too_large("too many subscriptions"));
        }
        hears.insert(address.as_str().into());
        let heard = table.heard.entry(address.as_str().into()).or_default();
        heard.insert(id, connection.clone());
        Ok(())
    }

    pub(crate) fn unsubscribe(&self, id: ConnectionId, address: &Address) -> bool {
        let mut table = self.table.write();
        let heard = table
            .hears
            .get_mut(&id)
            .is_some_and(|hears| hears.remove(address.as_str()));
        table.forget(address.as_str(), id);
        heard
    }

    /// Queues a text for those who hear the address and may use the operation.
    pub(crate) fn publish(&self, route: usize, audience: Audience<'_>, text: &Arc<str>) -> Reach {
        let (Audience::Everybody(address) | Audience::Subscribed(address)) = audience;
        let place = self.hasher.hash_one(address) % ORDERS_U64;
        let order = self.orders.get(usize::try_from(place).unwrap_or_default());
        let _one_after_the_other = order.map(Mutex::lock);
        let table = self.table.read();
        let heard = match audience {
            Audience::Everybody(_) => Some(&table.open),
            Audience::Subscribed(address) => table.heard.get(address),
        };
        // Who named one channel in its path hears no other.
        let is_for = |connection: &Connection| match (audience, connection.bound_address()) {
            (Audience::Everybody(address), Some(bound)) => bound.as_str() == address,
            _ => true,
        };
        let taken = heard
            .into_iter()
            .flat_map(BTreeMap::values)
            .filter(|connection| is_for(connection) && connection.may_use(route))
            .filter(|connection| connection.push(text));
        Reach {
            connections: taken.count(),
        }
    }
}

/// Whom a publication is for.
#[derive(Clone, Copy)]
pub(crate) enum Audience<'a> {
    /// All connections, but those whose path named another address.
    Everybody(&'a str),
    /// Those that are subscribed to this address.
    Subscribed(&'a str),
}

impl Table {
    fn forget(&mut self, address: &str, id: ConnectionId) {
        if let Some(heard) = self.heard.get_mut(address) {
            heard.remove(&id);
            if heard.is_empty() {
                self.heard.remove(address);
            }
        }
    }
}

/// What everybody is told when the service ends.
pub(crate) const GOING_AWAY: &str = "going away";

/// How many addresses can be published at once.
const ORDERS: usize = 16;
const ORDERS_U64: u64 = 16;
