//! Tickets.

use std::sync::Arc;
use std::time::Duration;

use conclave_protocol::Principal;

use super::world::{Counted, claiming, own_issuer, second, verifier};
use crate::{MemoryTickets, TicketBounds, TicketError, Tickets};

fn principal(sub: &str, exp: u64) -> Principal {
    let claims = format!(r#"{{"sub":"{sub}","exp":{}}}"#, 1_700_000_000 + exp);
    let verified = verifier(vec![own_issuer()]).verify(&claiming(&claims), second(0));
    verified.unwrap().principal
}

fn tickets(bounds: TicketBounds) -> Tickets {
    let table = Arc::new(MemoryTickets::new(bounds));
    Tickets::new(table, Duration::from_secs(30), &[1; 32])
}

#[tokio::test]
async fn a_ticket_stands_for_its_principal_once() {
    let (tickets, random) = (tickets(TicketBounds::default()), Counted::default());
    let ann = principal("ann", 3600);
    let ticket = tickets.issue(&ann, None, second(0), &random).await.unwrap();
    assert_eq!(ticket.len(), 43);
    let redeemed = tickets
        .redeem(&ticket, Some("https://any.example"), second(1))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(format!("{redeemed:?}"), format!("{ann:?}"));
    let again = tickets.redeem(&ticket, None, second(1)).await;
    assert!(again.unwrap().is_none(), "once");
    assert!(tickets.redeem_now("", None, second(1)).unwrap().is_none());
    assert_eq!(tickets.waiting(), 0);
}

#[tokio::test]
async fn a_ticket_lives_30_seconds_and_no_longer_than_its_token() {
    let (tickets, random) = (tickets(TicketBounds::default()), Counted::default());
    let issue = async |exp| {
        let ann = principal("ann", exp);
        tickets.issue(&ann, None, second(0), &random).await.unwrap()
    };
    let (in_time, late, ended) = (issue(3600).await, issue(3600).await, issue(1).await);
    let redeem = |ticket: &str, at| tickets.redeem_now(ticket, None, at).unwrap();
    assert!(redeem(&ended, second(6)).is_none(), "1 s and 5 s leeway");
    let last = second(29).plus(Duration::from_millis(999));
    assert!(redeem(&in_time, last).is_some());
    assert!(redeem(&late, second(30)).is_none());
}

#[tokio::test]
async fn a_ticket_made_under_an_origin_works_there_only() {
    let (tickets, random) = (tickets(TicketBounds::default()), Counted::default());
    let home = Some("https://app.example");
    for (shown, works) in [
        (home, true),
        (Some("https://evil.example"), false),
        (None, false),
    ] {
        let ann = principal("ann", 3600);
        let ticket = tickets.issue(&ann, home, second(0), &random).await.unwrap();
        let redeem = |origin| tickets.redeem_now(&ticket, origin, second(1)).unwrap();
        assert_eq!(redeem(shown).is_some(), works, "{shown:?}");
        assert!(redeem(home).is_none(), "used up by the attempt");
    }
}

#[tokio::test]
async fn a_ticket_of_nodes_with_another_key_is_none() {
    let table = Arc::new(MemoryTickets::default());
    let node = |key| Tickets::new(Arc::clone(&table) as _, Duration::from_secs(30), &[key; 32]);
    let (one, same, other) = (node(1), node(1), node(2));
    let (ann, random) = (principal("ann", 3600), Counted::default());
    for (by, works) in [(same, true), (other, false)] {
        let ticket = one.issue(&ann, None, second(0), &random).await.unwrap();
        let found = by.redeem(&ticket, None, second(1)).await.unwrap();
        assert_eq!(found.is_some(), works);
    }
}

#[tokio::test]
async fn tickets_are_bounded() {
    let tickets = tickets(TicketBounds {
        tickets: 3,
        tickets_per_user: 2,
    });
    let random = Counted::default();
    let issue = async |sub, at| {
        let principal = principal(sub, 3600);
        tickets.issue(&principal, None, second(at), &random).await
    };
    let redeem = |ticket: &str, at| tickets.redeem_now(ticket, None, second(at)).unwrap();
    let first = issue("ann", 0).await.unwrap();
    let next = issue("ann", 0).await.unwrap();
    let last = issue("ann", 0).await.unwrap();
    assert!(redeem(&first, 1).is_none(), "the oldest made room");
    issue("bob", 1).await.unwrap();
    assert_eq!(issue("cat", 1).await, Err(TicketError::Full));
    assert!(redeem(&next, 1).is_some(), "others' tickets stay");
    issue("cat", 1).await.unwrap();
    let room = issue("dan", 30).await;
    assert!(room.is_ok(), "room comes back with time");
    assert!(redeem(&last, 30).is_none());
    assert_eq!(tickets.waiting(), 3);
    assert!(issue("dan", 100).await.is_ok());
    assert_eq!(tickets.waiting(), 1, "expired ones are forgotten");
}

#[tokio::test]
async fn one_user_cannot_use_up_the_table() {
    let tickets = tickets(TicketBounds {
        tickets: 3,
        tickets_per_user: 2,
    });
    let random = Counted::default();
    for _ in 0..100 {
        let ann = principal("ann", 3600);
        tickets.issue(&ann, None, second(0), &random).await.unwrap();
    }
    assert_eq!(tickets.waiting(), 2);
    let bob = principal("bob", 3600);
    assert!(tickets.issue(&bob, None, second(0), &random).await.is_ok());
}
