use std::collections::BTreeSet;

use super::{LATE_MAX, Written};

/// Every client that has an initial part of what was written misses exactly the rest.
fn assert_exact(order: &[u64]) -> usize {
    let mut written = Written::default();
    order.iter().for_each(|number| written.note(*number));
    let all: BTreeSet<u64> = order.iter().copied().collect();
    let mut known = 0;
    for (place, last) in order.iter().enumerate() {
        let Some((reached, late)) = written.missed_after(*last) else {
            continue;
        };
        known += 1;
        let has: BTreeSet<u64> = order.iter().take(place + 1).copied().collect();
        let due: BTreeSet<u64> = all.difference(&has).copied().collect();
        let is_sent = |number: &&u64| **number > reached || late.contains(number);
        let sent: BTreeSet<u64> = all.iter().filter(is_sent).copied().collect();
        assert_eq!(sent, due, "after {last} of {order:?}");
    }
    known
}

#[test]
fn a_client_that_comes_back_misses_exactly_what_was_written_behind_its_last_event() {
    assert_eq!(assert_exact(&[1, 2, 3]), 3);
    assert_eq!(assert_exact(&[1, 5, 3, 7, 6, 2, 9]), 7);
    assert_eq!(assert_exact(&[9, 8, 7, 6, 5]), 5);
    let mut state = 7_u64;
    for _ in 0..200 {
        let mut order: Vec<u64> = (1..=40).map(|number| number * 3).collect();
        for _ in 0..12 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let place = usize::try_from(state >> 33).unwrap() % 37;
            order.swap(place, place + 3);
        }
        assert_exact(&order);
    }
}

#[test]
fn what_came_late_and_is_forgotten_makes_nobody_come_back_with_a_gap() {
    let late = u64::try_from(LATE_MAX).unwrap() + 8;
    // One room's events, then another's from the same time.
    let order: Vec<u64> = (0..late)
        .map(|n| n * 2 + 2)
        .chain((0..late).map(|n| n * 2 + 1))
        .collect();
    let known = assert_exact(&order);
    assert_eq!(known, LATE_MAX, "the others begin anew");
}

#[test]
fn an_event_that_was_never_written_is_no_way_back() {
    let mut written = Written::default();
    assert_eq!(written.missed_after(5), None);
    written.note(3);
    assert_eq!(written.missed_after(5), None);
    assert_eq!(written.missed_after(3), Some((3, Vec::new())));
}

#[test]
fn who_comes_back_again_and_again_misses_no_more_than_before() {
    let mut written = Written::default();
    for round in 0..u64::try_from(LATE_MAX).unwrap() {
        // Of a dozen the client gets one.
        (round + 1..round + 13).for_each(|number| written.note(number));
        let last = round + 1;
        assert_eq!(written.missed_after(last), Some((last, Vec::new())));
        written = written.back_to(last);
    }
}

#[test]
fn what_came_late_stays_missed_until_it_is_written_again() {
    for (last, reached, late) in [(5, 5, vec![3, 4]), (3, 5, vec![4]), (4, 5, vec![])] {
        let mut written = Written::default();
        [2, 5, 3, 4, 7].into_iter().for_each(|n| written.note(n));
        let due = Some((reached, late.clone()));
        assert_eq!(written.missed_after(last), due);
        // It is cut off before it was sent anything, then behind everything.
        written = written.back_to(reached);
        assert_eq!(written.missed_after(last), due);
        late.into_iter().chain([7]).for_each(|n| written.note(n));
        assert_eq!(written.missed_after(last), due);
        assert_eq!(written.missed_after(7), Some((7, Vec::new())));
    }
}
