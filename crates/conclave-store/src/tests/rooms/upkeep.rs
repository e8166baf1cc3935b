use std::os::unix::fs::MetadataExt;
use std::sync::Arc;

use conclave_core::RoomStore;
use conclave_protocol::{DeliveryState, GiveReceipt};
use conclave_testkit::ports::Ear;
use sqlx::AssertSqlSafe;

use super::{plain, room, say, stamp};
use crate::tests::{Fixture, database, on_each_database, open};
use crate::{Exported, StoreError};

on_each_database! {
    an_export_has_every_room_member_and_message,
}

/// Two messages, one of them seen.
async fn furnished(fixture: Fixture) -> Fixture {
    let rooms = fixture.rooms(Arc::new(Ear::default()));
    let room = room(&rooms, "room").await;
    let first = say(&rooms, &room, 1, "one").await;
    say(&rooms, &room, 2, "two").await;
    let ask = GiveReceipt {
        message: first.id,
        room: None,
        status: DeliveryState::Read,
    };
    rooms
        .give_receipt(&plain("bob"), ask, stamp(2))
        .await
        .unwrap();
    fixture
}

#[tokio::test]
async fn what_is_wrong_is_found() {
    for (wrong, rule) in [
        (
            "DELETE FROM events WHERE seq = 2",
            "sequence of events with a gap",
        ),
        (
            "UPDATE rooms SET last_seq = 9",
            "sequence of events with a gap",
        ),
        (
            "UPDATE events SET number = 99 WHERE seq = 1",
            "event numbered against its sequence",
        ),
        (
            "UPDATE events SET kind = 'joined' WHERE seq = 3",
            "message without its event",
        ),
        (
            "DELETE FROM messages WHERE seq = 2",
            "event without its message",
        ),
        ("UPDATE rooms SET messages = 1", "wrong count of messages"),
        (
            "UPDATE messages SET ordinal = 7 WHERE seq = 3",
            "message out of order",
        ),
        ("UPDATE rooms SET members = 3", "wrong count of members"),
        (
            "UPDATE rooms SET owner = 'bob'",
            "room without its one owner",
        ),
        (
            "UPDATE members SET delivered_ordinal = 2 WHERE user_id = 'bob'",
            "member's position outside the room",
        ),
        (
            "INSERT INTO dm_pairs VALUES ('a', 'b', 1)",
            "DM without its pair",
        ),
        (
            "PRAGMA foreign_keys = OFF; DELETE FROM rooms",
            "rows of no room",
        ),
        (
            "PRAGMA foreign_keys = OFF; DELETE FROM rooms",
            "reference to nothing",
        ),
    ] {
        let fixture = furnished(Fixture::new().await).await;
        assert_eq!(fixture.store.check().await.unwrap(), []);
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(fixture.database());
        let mut connection = sqlx::ConnectOptions::connect(&options).await.unwrap();
        let done = sqlx::raw_sql(AssertSqlSafe(wrong));
        done.execute(&mut connection).await.unwrap();
        let findings = fixture.store.check().await.unwrap();
        assert!(
            findings.iter().any(|finding| finding.rule == rule),
            "{wrong}: {findings:?}"
        );
    }
}

#[tokio::test]
async fn a_backup_is_a_store() {
    let fixture = furnished(Fixture::new().await).await;
    let folder = tempfile::tempdir().unwrap();
    let path = database(folder.path());
    fixture.store.backup(&path).await.unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    let again = fixture.store.backup(&path).await.unwrap_err();
    assert!(matches!(again, StoreError::File { .. }), "{again:?}");
    let copy = open(&path).await;
    assert_eq!(copy.check().await.unwrap(), []);
    let (mut one, mut other) = (Vec::new(), Vec::new());
    fixture.store.export(&mut one).await.unwrap();
    copy.export(&mut other).await.unwrap();
    assert_eq!(one, other);
    // Numbers go on where they were.
    let rooms = Arc::new(copy).rooms(Arc::new(Ear::default()), Default::default());
    let id = conclave_protocol::RoomId::new("room").unwrap();
    say(&rooms, &id, 3, "three").await;
    let replay = rooms.events(&plain("ann"), &id, 0, 9).await.unwrap();
    assert!(
        replay
            .events
            .is_sorted_by(|one, two| one.number < two.number)
    );
}

async fn an_export_has_every_room_member_and_message(fixture: Fixture) {
    let fixture = furnished(fixture).await;
    let mut out = Vec::new();
    let exported = fixture.store.export(&mut out).await.unwrap();
    let counts = Exported {
        rooms: 1,
        members: 2,
        messages: 2,
    };
    assert_eq!(exported, counts);
    let text = String::from_utf8(out).unwrap();
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let found: Vec<_> = lines
        .iter()
        .map(|line| {
            let name = ["user", "content", "name"]
                .iter()
                .find_map(|key| line[key].as_str());
            (line["type"].as_str().unwrap(), name.unwrap())
        })
        .collect();
    let expected = [
        ("room", "Room"),
        ("member", "ann"),
        ("member", "bob"),
        ("message", "one"),
        ("message", "two"),
    ];
    assert_eq!(found, expected);
    assert_eq!(lines[2]["seen_seq"], 2);
    assert_eq!(lines[3]["created_at_ms"], 1_700_000_001_000_u64);
}
