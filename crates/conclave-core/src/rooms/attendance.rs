//! Who is there: online while a connection of any surface is open, and for 10 seconds after.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use conclave_protocol::{Timestamp, UserId};
use parking_lot::Mutex;

/// Users who are there. Bounded by the connections of the last 10 seconds.
#[derive(Debug, Default)]
pub struct Attendance {
    book: Mutex<Book>,
}

#[derive(Debug, Default)]
struct Book {
    /// With the end of the time a user without connections still counts.
    users: HashMap<UserId, Option<Timestamp>>,
    /// Those ends in order, some of them no longer true.
    ends: VecDeque<(Timestamp, UserId)>,
}

/// A user came or went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Who.
    pub user: UserId,
    /// Whether they are there now.
    pub online: bool,
}

impl Attendance {
    /// Takes in that connections of these users opened or ended, and that time has passed.
    /// `open` says whether a user has connections now; who has none any more was there all the
    /// same. What others are to be told.
    pub fn update(
        &self,
        now: Timestamp,
        touched: &[UserId],
        open: impl Fn(&UserId) -> bool,
    ) -> Vec<Change> {
        let mut book = self.book.lock();
        let Book { users, ends } = &mut *book;
        let mut changes = Vec::new();
        for user in touched {
            let until = (!open(user)).then(|| now.plus(LINGER));
            let known = users.get_mut(user);
            if known.is_none() {
                changes.push(Change {
                    user: user.clone(),
                    online: true,
                });
            }
            match (known, until) {
                // Their time is running already, and gets no longer.
                (Some(Some(_)), Some(_)) => continue,
                (Some(known), until) => *known = until,
                (None, until) => {
                    users.insert(user.clone(), until);
                }
            }
            if let Some(end) = until {
                ends.push_back((end, user.clone()));
            }
        }
        while let Some((end, user)) = ends.pop_front_if(|(end, _)| *end <= now) {
            if users.get(&user) == Some(&Some(end)) {
                users.remove(&user);
                changes.push(Change {
                    user,
                    online: false,
                });
            }
        }
        changes
    }

    /// Everybody who is there.
    #[must_use]
    pub fn users(&self) -> Vec<UserId> {
        self.book.lock().users.keys().cloned().collect()
    }

    /// Whether a user is there.
    #[must_use]
    pub fn is_online(&self, user: &UserId) -> bool {
        self.book.lock().users.contains_key(user)
    }
}

const LINGER: Duration = Duration::from_secs(10);
