//! What every implementation of `AnswerLedger` does.

use conclave_core::{Actor, AnswerLedger, AnswerTotals, NewRoom, RoomStore, Spending, Stamp};
use conclave_protocol::{CreateRoom, RoomId, RoomKind, Usage};

use super::{second, user};

/// Runs the suite on an empty store, whose rooms are `rooms`.
///
/// # Panics
/// Where the implementation differs.
pub async fn ledger_conformance(ledger: &dyn AnswerLedger, rooms: &dyn RoomStore) {
    let room = RoomId::new("ledger").unwrap();
    let new = NewRoom {
        id: room.clone(),
        room: CreateRoom {
            name: Some("ledger".into()),
            description: None,
            kind: RoomKind::Public,
            members: Vec::new(),
        },
    };
    let stamp = Stamp {
        at: second(0),
        ..Stamp::default()
    };
    let owner = Actor::plain(user("alice"));
    rooms.create(&owner, new, stamp).await.unwrap();
    let (alice, bob) = (user("alice"), user("bob"));
    assert_eq!(ledger.of_room(&room).await.unwrap(), taken(0, 0, 0));
    let nothing = ledger.of_user(&alice, 7).await.unwrap();
    assert_eq!(nothing, Spending::default());

    let enter = async |name, taken, window| {
        ledger.enter(&room, name, taken, window).await.unwrap();
    };
    enter(&alice, taken(1, 10, 5), 7).await;
    enter(&alice, taken(0, 3, 0), 7).await;
    enter(&bob, taken(1, 100, 50), 7).await;
    assert_eq!(ledger.of_room(&room).await.unwrap(), taken(2, 113, 55));
    let of_alice = ledger.of_user(&alice, 7).await.unwrap();
    assert_eq!(of_alice, spending(taken(1, 13, 5), 18));
    let later = ledger.of_user(&alice, 8).await.unwrap();
    assert_eq!(later, spending(taken(1, 13, 5), 0), "a window begins empty");
    enter(&alice, taken(1, 1, 1), 8).await;
    let of_alice = ledger.of_user(&alice, 8).await.unwrap();
    assert_eq!(of_alice, spending(taken(2, 14, 6), 2));
    let of_bob = ledger.of_user(&bob, 7).await.unwrap();
    assert_eq!(of_bob, spending(taken(1, 100, 50), 150));

    // A provider may say anything; sums hold all the same.
    enter(&bob, taken(1, 1 << 40, 0), 7).await;
    let of_bob = ledger.of_user(&bob, 7).await.unwrap();
    assert_eq!(of_bob.in_window, 150 + (1 << 40));
}

const fn taken(answers: u64, prompt: u64, completion: u64) -> AnswerTotals {
    AnswerTotals {
        answers,
        usage: Usage { prompt, completion },
    }
}

const fn spending(totals: AnswerTotals, in_window: u64) -> Spending {
    Spending { totals, in_window }
}
