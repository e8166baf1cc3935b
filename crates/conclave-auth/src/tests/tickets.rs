//! Tickets.

use std::sync::Arc;
use std::time::Duration;

use conclave_protocol::Principal;

use super::world::{Counted, claiming, own_issuer, second, verifier};
use crate::{TicketBounds, Tickets, TicketsFull};

fn principal(sub: &str, exp: u64) -> Arc<Principal> {
    let claims = format!(r#"{{"sub":"{sub}","exp":{}}}"#, 1_700_000_000 + exp);
    Arc::new(
        verifier(vec![own_issuer()])
            .verify(&claiming(&claims), second(0))
            .unwrap()
            .principal,
    )
}

#[test]
fn a_ticket_stands_for_its_principal_once() {
    let (tickets, random) = (Tickets::default(), Counted::default());
    let ann = principal("ann", 3600);
    let ticket = tickets
        .issue(Arc::clone(&ann), None, second(0), &random)
        .unwrap();
    assert_eq!(ticket.len(), 43);
    let redeemed = tickets
        .redeem(&ticket, Some("https://any.example"), second(1))
        .unwrap();
    assert!(Arc::ptr_eq(&redeemed, &ann));
    assert!(tickets.redeem(&ticket, None, second(1)).is_none(), "once");
    assert!(tickets.redeem("", None, second(1)).is_none());
    assert!(tickets.is_empty());
}

#[test]
fn a_ticket_lives_30_seconds_and_no_longer_than_its_token() {
    let (tickets, random) = (Tickets::default(), Counted::default());
    let issue = |exp| {
        tickets
            .issue(principal("ann", exp), None, second(0), &random)
            .unwrap()
    };
    let (in_time, late, ended) = (issue(3600), issue(3600), issue(1));
    let last = second(29).plus(Duration::from_millis(999));
    assert!(tickets.redeem(&in_time, None, last).is_some());
    assert!(tickets.redeem(&late, None, second(30)).is_none());
    assert!(
        tickets.redeem(&ended, None, second(6)).is_none(),
        "1 s and 5 s leeway"
    );
}

#[test]
fn a_ticket_made_under_an_origin_works_there_only() {
    let (tickets, random) = (Tickets::default(), Counted::default());
    let home = Some("https://app.example");
    for (shown, works) in [
        (home, true),
        (Some("https://evil.example"), false),
        (None, false),
    ] {
        let ticket = tickets
            .issue(principal("ann", 3600), home, second(0), &random)
            .unwrap();
        assert_eq!(
            tickets.redeem(&ticket, shown, second(1)).is_some(),
            works,
            "{shown:?}"
        );
        assert!(
            tickets.redeem(&ticket, home, second(1)).is_none(),
            "used up by the attempt"
        );
    }
}

#[test]
fn tickets_are_bounded() {
    let bounds = TicketBounds {
        tickets: 3,
        tickets_per_user: 2,
        ..TicketBounds::default()
    };
    let (tickets, random) = (Tickets::new(bounds), Counted::default());
    let issue = |sub, at| tickets.issue(principal(sub, 3600), None, second(at), &random);
    let first = issue("ann", 0).unwrap();
    let next = issue("ann", 0).unwrap();
    let last = issue("ann", 0).unwrap();
    assert!(
        tickets.redeem(&first, None, second(1)).is_none(),
        "the oldest made room"
    );
    issue("bob", 1).unwrap();
    assert_eq!(issue("cat", 1), Err(TicketsFull));
    assert!(
        tickets.redeem(&next, None, second(1)).is_some(),
        "others' tickets stay"
    );
    issue("cat", 1).unwrap();
    assert!(issue("dan", 30).is_ok(), "room comes back with time");
    assert!(tickets.redeem(&last, None, second(30)).is_none());
    assert_eq!(tickets.len(), 3);
    assert!(issue("dan", 100).is_ok());
    assert_eq!(tickets.len(), 1, "expired ones are forgotten");
}

#[test]
fn one_user_cannot_use_up_the_table() {
    let bounds = TicketBounds {
        tickets: 3,
        tickets_per_user: 2,
        ..TicketBounds::default()
    };
    let (tickets, random) = (Tickets::new(bounds), Counted::default());
    for _ in 0..100 {
        tickets
            .issue(principal("ann", 3600), None, second(0), &random)
            .unwrap();
    }
    assert_eq!(tickets.len(), 2);
    assert!(
        tickets
            .issue(principal("bob", 3600), None, second(0), &random)
            .is_ok()
    );
}
