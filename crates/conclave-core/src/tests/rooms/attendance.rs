use std::collections::HashSet;

use conclave_protocol::UserId;

use super::{id_of, moment};
use crate::{Attendance, Change, ConnectionBounds, ConnectionTable};

struct Hall {
    attendance: Attendance,
    open: HashSet<UserId>,
}

impl Hall {
    fn new() -> Self {
        Self {
            attendance: Attendance::default(),
            open: HashSet::new(),
        }
    }

    fn opens(&mut self, name: &str, millis: u64) -> Vec<(String, bool)> {
        self.open.insert(id_of(name));
        self.update(millis, &[name])
    }

    fn ends(&mut self, name: &str, millis: u64) -> Vec<(String, bool)> {
        self.open.remove(&id_of(name));
        self.update(millis, &[name])
    }

    fn update(&self, millis: u64, touched: &[&str]) -> Vec<(String, bool)> {
        let touched: Vec<UserId> = touched.iter().map(|name| id_of(name)).collect();
        let open = |user: &UserId| self.open.contains(user);
        let changes = self.attendance.update(moment(millis), &touched, open);
        let told = |Change { user, online }: Change| (user.to_string(), online);
        changes.into_iter().map(told).collect()
    }
}

fn told(user: &str, online: bool) -> Vec<(String, bool)> {
    vec![(user.to_owned(), online)]
}

#[test]
fn a_user_is_there_for_10_seconds_after_the_last_connection() {
    let mut hall = Hall::new();
    assert_eq!(hall.opens("ann", 0), told("ann", true));
    assert_eq!(hall.opens("ann", 1), [], "a second connection is no news");
    assert_eq!(hall.ends("ann", 1000), []);
    assert!(hall.attendance.is_online(&id_of("ann")));
    // Touched again while away: the time is not made longer.
    assert_eq!(hall.update(6000, &["ann"]), []);
    assert_eq!(hall.update(10_999, &[]), []);
    assert!(hall.attendance.is_online(&id_of("ann")));
    assert_eq!(hall.update(11_000, &[]), told("ann", false));
    assert!(!hall.attendance.is_online(&id_of("ann")));
    assert_eq!(hall.update(60_000, &[]), [], "told once");
}

#[test]
fn who_came_and_went_between_two_looks_was_there() {
    let hall = Hall::new();
    assert_eq!(hall.update(0, &["ann"]), told("ann", true));
    assert_eq!(hall.update(9999, &[]), []);
    assert!(hall.attendance.is_online(&id_of("ann")));
    assert_eq!(hall.update(10_000, &[]), told("ann", false));
    assert!(!hall.attendance.is_online(&id_of("ann")));
}

#[test]
fn who_is_back_within_10_seconds_was_never_away() {
    let mut hall = Hall::new();
    hall.opens("ann", 0);
    hall.ends("ann", 1000);
    assert_eq!(hall.opens("ann", 10_999), []);
    assert_eq!(hall.update(60_000, &[]), []);
    assert!(hall.attendance.is_online(&id_of("ann")));
    // Both in one look, just as the time is over.
    hall.ends("ann", 61_000);
    assert_eq!(hall.opens("ann", 71_000), []);
    // Too late: gone, then there again.
    hall.ends("ann", 72_000);
    assert_eq!(hall.update(82_000, &[]), told("ann", false));
    assert_eq!(hall.opens("ann", 82_001), told("ann", true));
    assert_eq!(hall.attendance.users(), [id_of("ann")]);
}

#[test]
fn changes_are_listed_once_each_and_all_users_where_they_are_too_many() {
    let table = ConnectionTable::new();
    let bounds = ConnectionBounds {
        user: 0,
        address: 0,
        all: 0,
    };
    let open = |name: &str| table.open(Some(&id_of(name)), None, bounds).unwrap();
    let (first, second) = (open("ann"), open("ann"));
    assert!(table.has_changed(&id_of("ann")));
    assert_eq!(table.take_changes(), (vec![id_of("ann")], false));
    assert!(table.has_changed(&id_of("ann")), "it may not be known yet");
    assert_eq!(table.take_changes(), (vec![], false));
    assert!(!table.has_changed(&id_of("ann")));
    drop(first);
    assert_eq!(table.take_changes(), (vec![id_of("ann")], false));
    assert_eq!(table.of_user(&id_of("ann")), 1);
    (0..100_001).for_each(|number| drop(open(&format!("user{number}"))));
    let late = open("late");
    let (mut all, more) = table.take_changes();
    all.sort_unstable();
    assert!(more);
    assert_eq!(all, [id_of("ann"), id_of("late")], "those who are there");
    drop((second, late));
    let (mut gone, more) = table.take_changes();
    gone.sort_unstable();
    assert_eq!((gone, more), (vec![id_of("ann"), id_of("late")], false));
}
