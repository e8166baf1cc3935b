//! One worker's part of the hub: who hears what, and what is still to be delivered.
//!
//! Belongs to one thread. Deliveries go in turns: [`Hub::turn`] hands out a channel's batch and
//! the worker walks a bounded number of members before it asks again, so no channel starves
//! another. While a walk is under way a member list only grows or gets holes.

use std::cell::{Cell, OnceCell, RefCell};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use conclave_protocol::{Channel, FORMS, Form, Publication};

use crate::{Directory, Subscribed};

/// Channels that connections of one worker hear.
#[derive(Debug)]
pub struct Hub {
    directory: Arc<Directory>,
    worker: usize,
    audiences: RefCell<HashMap<Arc<Channel>, Rc<Audience>>>,
    queue: RefCell<VecDeque<Rc<Audience>>>,
}

impl Hub {
    /// An empty hub of worker number `worker`.
    #[must_use]
    pub fn new(directory: Arc<Directory>, worker: usize) -> Rc<Self> {
        Rc::new(Self {
            directory,
            worker,
            audiences: RefCell::default(),
            queue: RefCell::default(),
        })
    }

    /// Makes the connection in `slot` a member, from the position the directory gave. The
    /// membership ends, here and in the directory, when it is dropped.
    #[must_use]
    pub fn join(self: &Rc<Self>, subscribed: &Subscribed, slot: u32) -> Membership {
        let audience = {
            let mut audiences = self.audiences.borrow_mut();
            let audience = audiences
                .entry(Arc::clone(&subscribed.channel))
                .or_insert_with(|| Rc::new(Audience::new(subscribed)));
            Rc::clone(audience)
        };
        let index = audience.add(Member {
            slot,
            from: subscribed.position.offset,
        });
        Membership {
            hub: Rc::clone(self),
            audience,
            index,
        }
    }

    /// The audience of a channel.
    #[must_use]
    pub fn audience(&self, channel: &Channel) -> Option<Rc<Audience>> {
        self.audiences.borrow().get(channel).map(Rc::clone)
    }

    /// How many channels have members here.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.audiences.borrow().len()
    }

    /// Queues a publication. `false` where nobody here hears its channel any more, or only
    /// those who joined after the directory had forgotten it and begun a new epoch.
    pub fn offer(&self, publication: Arc<Publication>) -> bool {
        let Some(audience) = self.audience(&publication.channel) else {
            return false;
        };
        if audience.epoch != publication.position.epoch {
            return false;
        }
        audience.waiting.borrow_mut().push_back(publication);
        if !audience.queued.replace(true) {
            self.queue.borrow_mut().push_back(audience);
        }
        true
    }

    /// How many publications of this connection are still to be delivered. Not to be asked in
    /// the middle of a turn.
    #[must_use]
    pub fn count_from(&self, connection: u64) -> usize {
        let queue = self.queue.borrow();
        queue
            .iter()
            .map(|audience| audience.count_from(connection))
            .sum()
    }

    /// The next channel's turn: its batch and where the walk stands. `None` when everything is
    /// delivered.
    #[must_use]
    pub fn turn(&self) -> Option<Walk> {
        let audience = self.queue.borrow_mut().pop_front()?;
        let (batch, until) = audience.round();
        Some(Walk {
            audience,
            batch,
            until,
        })
    }

    /// Ends a turn: a walk that has not reached the end goes to the back of the queue. Returns
    /// all that every member has now got, so that the caller can release its bytes and origins.
    pub fn end_turn(&self, walk: Walk) -> Option<Rc<Batch>> {
        let Walk {
            audience, until, ..
        } = walk;
        let end = audience.members.borrow().list.len().min(until);
        let mut done = None;
        if audience.cursor.get() >= end {
            audience.cursor.set(0);
            done = audience.end_walk();
        }
        if done.is_some() && audience.waiting.borrow().is_empty() {
            audience.queued.set(false);
            audience.trim();
        } else {
            self.queue.borrow_mut().push_back(audience);
        }
        done
    }

    fn leave(&self, audience: &Rc<Audience>, index: usize) {
        self.directory.unsubscribe(&audience.channel, self.worker);
        if audience.remove(index) == 0 {
            // What it has queued still takes its turns, so that its bytes are released; who
            // joins from now on gets an audience of their own.
            self.audiences.borrow_mut().remove(&audience.channel);
        }
    }
}

/// A turn: a channel, the batch its members get, and a cursor.
#[derive(Debug)]
pub struct Walk {
    audience: Rc<Audience>,
    batch: Rc<Batch>,
    /// The place where it ends, if the list does not end before.
    until: usize,
}

impl Walk {
    /// What is delivered.
    #[must_use]
    pub const fn batch(&self) -> &Rc<Batch> {
        &self.batch
    }

    /// The next member that has not got this batch; skips those that joined after it.
    pub fn next_member(&self) -> Option<Member> {
        loop {
            let index = self.audience.cursor.get();
            if index >= self.until {
                return None;
            }
            let member = self.audience.members.borrow().list.get(index).copied()?;
            self.audience.cursor.set(index + 1);
            if member.slot != HOLE && (member.from < self.batch.last || self.batch.fleeting) {
                return Some(member);
            }
        }
    }
}

/// One who hears a channel.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    /// The connection's slot in its worker.
    pub slot: u32,
    /// Gets publications after this offset.
    pub from: u64,
}

/// The members of one channel on one worker.
#[derive(Debug)]
pub struct Audience {
    channel: Arc<Channel>,
    /// Of all its members: while one is left, the directory keeps the channel's entry.
    epoch: u64,
    members: RefCell<Members>,
    waiting: RefCell<VecDeque<Arc<Publication>>>,
    current: RefCell<Option<Box<Round>>>,
    cursor: Cell<usize>,
    queued: Cell<bool>,
}

impl Audience {
    fn new(subscribed: &Subscribed) -> Self {
        Self {
            channel: Arc::clone(&subscribed.channel),
            epoch: subscribed.position.epoch,
            members: RefCell::default(),
            waiting: RefCell::default(),
            current: RefCell::default(),
            cursor: Cell::new(0),
            queued: Cell::new(false),
        }
    }

    /// The slots of the members, at most `limit`.
    #[must_use]
    pub fn slots(&self, limit: usize) -> Vec<u32> {
        let members = self.members.borrow();
        let live = members
            .list
            .iter()
            .map(|member| member.slot)
            .filter(|slot| *slot != HOLE);
        live.take(limit).collect()
    }

    /// The slots of the members that a publication is for: all but those who were sent it by
    /// another way.
    #[must_use]
    pub fn slots_for(&self, publication: &Publication) -> Vec<u32> {
        let members = self.members.borrow();
        let due = members
            .list
            .iter()
            .filter(|member| member.slot != HOLE && publication.is_after(member.from));
        due.map(|member| member.slot).collect()
    }

    fn count_from(&self, connection: u64) -> usize {
        let current = self.current.borrow();
        let current = current.iter().flat_map(|round| round.whole.publications());
        let waiting = self.waiting.borrow();
        let is_its = |publication: &&Arc<Publication>| publication.origin == connection;
        current.filter(is_its).count() + waiting.iter().filter(is_its).count()
    }

    /// How long the list is, holes included, and how many holes are known.
    #[cfg(test)]
    pub(crate) fn places(&self) -> (usize, usize) {
        let members = self.members.borrow();
        (members.list.len(), members.holes.len())
    }

    /// What the next members get, and the place where the walk ends.
    fn round(&self) -> (Rc<Batch>, usize) {
        let mut current = self.current.borrow_mut();
        let waiting = &mut self.waiting.borrow_mut();
        // A round that begins here has taken what fits.
        let round = current.get_or_insert_with(|| Box::new(Round::begin(waiting)));
        round.take_in(waiting, self.cursor.get());
        (Rc::clone(&round.batch), round.until)
    }

    /// The walk is at its end: the next one begins, or all have got all of this.
    fn end_walk(&self) -> Option<Rc<Batch>> {
        let mut current = self.current.borrow_mut();
        let round = current.as_mut()?;
        if let Some((batch, until)) = round.behind.take() {
            (round.batch, round.until) = (batch, until);
            return None;
        }
        current.take().map(|round| round.whole)
    }

    fn add(&self, member: Member) -> usize {
        let mut members = self.members.borrow_mut();
        // A hole behind the cursor of a walk may be filled too: the newcomer's `from` keeps the
        // running batch from it either way. The first hole goes first, so that the end of the
        // list empties and can be trimmed.
        if let Some(Reverse(index)) = members.holes.pop()
            && let Some(place) = members.list.get_mut(index)
        {
            *place = member;
            return index;
        }
        if members.list.is_empty() {
            // Most channels have one member: their user's.
            members.list.reserve_exact(1);
        }
        members.list.push(member);
        members.list.len() - 1
    }

    fn remove(&self, index: usize) -> usize {
        let mut members = self.members.borrow_mut();
        if let Some(place) = members.list.get_mut(index) {
            place.slot = HOLE;
            members.holes.push(Reverse(index));
        }
        members.live()
    }

    /// Gives memory back: of a list whose end is mostly holes, of a queue that was long.
    fn trim(&self) {
        let mut members = self.members.borrow_mut();
        let kept = if members.live() < SMALL {
            0
        } else {
            WAITING_KEPT
        };
        self.waiting.borrow_mut().shrink_to(kept);
        let Members { list, holes, .. } = &mut *members;
        if holes.len() <= list.len() / 2 {
            return;
        }
        while list.last().is_some_and(|member| member.slot == HOLE) {
            list.pop();
        }
        let length = list.len();
        holes.retain(|Reverse(hole)| *hole < length);
        list.shrink_to(length * 2);
        holes.shrink_to(length);
    }
}

/// One walk through the members; or two, where something came during the first: whoever it had not
/// reached got that too, by the same write, and the second gives it to the others.
#[derive(Debug)]
struct Round {
    batch: Rc<Batch>,
    until: usize,
    /// What came during the first walk, and the place up to which members lack it.
    behind: Option<(Rc<Batch>, usize)>,
    /// All that the members have when it is over.
    whole: Rc<Batch>,
}

impl Round {
    fn begin(waiting: &mut VecDeque<Arc<Publication>>) -> Self {
        let batch = Rc::new(Batch::new(take(waiting, usize::MAX)));
        Self {
            batch: Rc::clone(&batch),
            until: usize::MAX,
            behind: None,
            whole: batch,
        }
    }

    /// Takes what waits into the first walk, once, where it fits.
    fn take_in(&mut self, waiting: &mut VecDeque<Arc<Publication>>, cursor: usize) {
        let is_first = self.until == usize::MAX && self.behind.is_none();
        if waiting.is_empty() || !is_first || self.batch.ending().is_some() {
            return;
        }
        let space = BATCH_BYTES_MAX.saturating_sub(self.batch.weight());
        if waiting.front().is_some_and(|next| next.weight() > space) {
            return;
        }
        let news = take(waiting, space);
        let both = [self.batch.publications(), &news].concat();
        self.behind = Some((Rc::new(Batch::new(news)), cursor));
        self.batch = Rc::new(Batch::new(both));
        self.whole = Rc::clone(&self.batch);
    }
}

/// The first of what waits, and more up to `space` and the bound of a batch.
fn take(waiting: &mut VecDeque<Arc<Publication>>, space: usize) -> Vec<Arc<Publication>> {
    let mut publications = Vec::new();
    let mut weight = 0;
    while let Some(publication) = waiting.pop_front() {
        weight += publication.weight();
        // What comes after somebody's last event must not reach them in the same bytes.
        let last = publication.ends_hearing();
        publications.push(publication);
        let next = waiting.front().map_or(0, |next| next.weight());
        if last || weight + next > space.min(BATCH_BYTES_MAX) {
            break;
        }
    }
    publications
}

/// That a connection hears a channel. Dropping it ends it.
#[derive(Debug)]
pub struct Membership {
    hub: Rc<Hub>,
    audience: Rc<Audience>,
    index: usize,
}

impl Membership {
    /// The channel.
    #[must_use]
    pub fn channel(&self) -> &Arc<Channel> {
        &self.audience.channel
    }

    /// What comes after this offset is delivered.
    #[must_use]
    pub fn from(&self) -> u64 {
        let members = self.audience.members.borrow();
        members.list.get(self.index).map_or(0, |place| place.from)
    }

    /// From now on only what comes after `offset`: the rest was sent by another way.
    pub fn skip_to(&self, offset: u64) {
        let mut members = self.audience.members.borrow_mut();
        if let Some(place) = members.list.get_mut(self.index) {
            place.from = place.from.max(offset);
        }
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.hub.leave(&self.audience, self.index);
    }
}

/// Publications of one channel that go out together, and their shared bytes by form.
#[derive(Debug)]
pub struct Batch {
    publications: Vec<Arc<Publication>>,
    last: u64,
    /// The lowest place of what has one; `u64::MAX` where nothing has. What is asked for each
    /// member is kept here once for all.
    first: u64,
    origins: Box<[u64]>,
    /// Whether something in it has no place in the channel and goes to every member.
    fleeting: bool,
    bytes: [OnceCell<Rc<[u8]>>; FORMS * 2],
}

impl Batch {
    fn new(publications: Vec<Arc<Publication>>) -> Self {
        let offsets = publications
            .iter()
            .map(|publication| publication.position.offset);
        let last = offsets.clone().max().unwrap_or(0);
        let fleeting = offsets.clone().any(|offset| offset == 0);
        let first = offsets.filter(|offset| *offset > 0).min();
        let origins = publications.iter().map(|publication| publication.origin);
        let origins = origins.collect();
        Self {
            publications,
            last,
            first: first.unwrap_or(u64::MAX),
            origins,
            fleeting,
            bytes: Default::default(),
        }
    }

    /// In order.
    #[must_use]
    pub fn publications(&self) -> &[Arc<Publication>] {
        &self.publications
    }

    /// Whether something in it was caused by this connection.
    #[must_use]
    pub fn is_from(&self, connection: u64) -> bool {
        self.origins.contains(&connection)
    }

    /// The channel of all of it.
    #[must_use]
    pub fn channel(&self) -> Option<&Arc<Channel>> {
        self.publications
            .first()
            .map(|publication| &publication.channel)
    }

    /// Whether a member that has everything up to `from` needs all of it.
    #[must_use]
    pub const fn is_whole_after(&self, from: u64) -> bool {
        from < self.first
    }

    /// The event with which somebody's right to hear the channel ends.
    #[must_use]
    pub fn ending(&self) -> Option<&Arc<Publication>> {
        self.publications
            .last()
            .filter(|publication| publication.ends_hearing())
    }

    /// The weight of all, as the inbox counted it.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.publications
            .iter()
            .map(|publication| publication.weight())
            .sum()
    }

    /// The frames of this form, one after the other, shared by all members; `encode` appends
    /// one publication's. A member that joined in the middle gets bytes of its own.
    pub fn bytes(
        &self,
        form: Form,
        deflated: bool,
        from: u64,
        mut encode: impl FnMut(&Publication, &mut Vec<u8>),
    ) -> Rc<[u8]> {
        let mut make = |from: u64| {
            let mut out = Vec::new();
            let later = |p: &&Arc<Publication>| p.is_after(from);
            self.publications
                .iter()
                .filter(later)
                .for_each(|p| encode(p, &mut out));
            Rc::from(out)
        };
        let whole = self.is_whole_after(from);
        let place = self
            .bytes
            .get(usize::from(form.0) * 2 + usize::from(deflated));
        match place {
            Some(place) if whole => Rc::clone(place.get_or_init(|| make(from))),
            Some(_) | None => make(from),
        }
    }
}

#[derive(Debug, Default)]
struct Members {
    list: Vec<Member>,
    holes: BinaryHeap<Reverse<usize>>,
}

impl Members {
    fn live(&self) -> usize {
        self.list.len() - self.holes.len()
    }
}

const HOLE: u32 = u32::MAX;
const WAITING_KEPT: usize = 64;
/// An audience of fewer keeps no room for what waits.
const SMALL: usize = 4;
const BATCH_BYTES_MAX: usize = 64 * 1024;
