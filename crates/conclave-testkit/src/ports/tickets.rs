//! What every implementation of `TicketTable` does.

use std::time::Duration;

use conclave_auth::{SecretHash, TicketTable, WaitingTicket};

use super::{both, second};

/// Runs the suite on empty tables that lead to the same tickets, as two nodes have them, with 3
/// tickets for each user.
///
/// # Panics
/// Where the implementation differs.
pub async fn tickets_conformance(one: &dyn TicketTable, two: &dyn TicketTable) {
    a_ticket_is_taken_once_by_any(one, two).await;
    one_of_two_that_take_at_once_gets_it(one, two).await;
    the_oldest_of_a_user_ends_where_there_are_too_many(one, two).await;
    what_was_taken_counts_no_more(one, two).await;
    a_ticket_ends_by_itself(one, two).await;
}

fn hash(number: u8) -> SecretHash {
    SecretHash([number; 32])
}

async fn put(table: &dyn TicketTable, number: u8, owner: u8) {
    let ticket = WaitingTicket {
        owner: hash(owner),
        sealed: vec![number, 0, 255].into(),
        life: Duration::from_secs(60),
    };
    table.put(hash(number), ticket, second(0)).await.unwrap();
}

async fn take(table: &dyn TicketTable, number: u8) -> Option<Vec<u8>> {
    let taken = table.take(hash(number), second(1)).await.unwrap();
    taken.map(Vec::from)
}

async fn a_ticket_is_taken_once_by_any(one: &dyn TicketTable, two: &dyn TicketTable) {
    for taker in [one, two] {
        put(one, 1, 101).await;
        assert_eq!(take(taker, 1).await, Some(vec![1, 0, 255]));
        assert_eq!(take(one, 1).await, None, "once");
        assert_eq!(take(two, 1).await, None, "once, by whomever");
    }
    assert_eq!(take(one, 2).await, None, "never given");
}

async fn one_of_two_that_take_at_once_gets_it(one: &dyn TicketTable, two: &dyn TicketTable) {
    for number in 0..50 {
        put(one, number, 102).await;
        let (left, right) = both(take(one, number), take(two, number)).await;
        assert!(left.is_some() != right.is_some(), "{left:?}, {right:?}");
    }
}

async fn the_oldest_of_a_user_ends_where_there_are_too_many(
    one: &dyn TicketTable,
    two: &dyn TicketTable,
) {
    put(one, 60, 104).await;
    for (number, by) in [(51, one), (52, two), (53, one), (54, two), (55, two)] {
        put(by, number, 103).await;
    }
    for (number, waits) in [(51, false), (52, false), (53, true), (54, true), (55, true)] {
        assert_eq!(take(one, number).await.is_some(), waits, "{number}");
    }
    assert!(take(two, 60).await.is_some(), "another user's stay");
}

async fn what_was_taken_counts_no_more(one: &dyn TicketTable, two: &dyn TicketTable) {
    put(one, 71, 105).await;
    for number in 72..90 {
        put(one, number, 105).await;
        assert!(take(two, number).await.is_some());
    }
    assert!(
        take(two, 71).await.is_some(),
        "two at a time were never too many"
    );
}

/// Its time is the table's own, or the time that it is told.
async fn a_ticket_ends_by_itself(one: &dyn TicketTable, two: &dyn TicketTable) {
    for _ in 0..10_000 {
        let brief = WaitingTicket {
            owner: hash(106),
            sealed: vec![1].into(),
            life: Duration::from_millis(1),
        };
        one.put(hash(91), brief, second(100)).await.unwrap();
        put(two, 92, 107).await;
        assert!(take(two, 92).await.is_some());
        let late = two.take(hash(91), second(200)).await.unwrap();
        if late.is_none() {
            return;
        }
    }
    panic!("its life is never over");
}
