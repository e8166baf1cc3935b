use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use conclave_core::{Actor, NewMessage, NewRoom, Origin, Outlet, RoomStore as _, Stamp};
use conclave_protocol::{
    Channel, CreateRoom, Event, MessageId, MessageKind, RoomId, RoomKind, SendMessage, UserId,
};
use conclave_store::{RoomLimits, StoreOptions};
use conclave_testkit::postgres::Database;
use serde_json::Value;
use tempfile::TempDir;

use super::*;
use crate::cli::tests::command;

struct Nobody;

impl Outlet for Nobody {
    fn publish(&self, _: Channel, _: Arc<Event>, _: Origin) {}
}

/// A room of Ann with one message.
fn furnished() -> TempDir {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("conclave.db");
    runtime().unwrap().block_on(async {
        let store = Store::open(&path, StoreOptions::default()).await.unwrap();
        let store = Arc::new(store);
        let rooms = store.rooms(Arc::new(Nobody), RoomLimits::default());
        let ann = Actor::plain(UserId::new("ann").unwrap());
        let id = RoomId::new("room").unwrap();
        let room = CreateRoom {
            name: Some("Room".into()),
            description: None,
            kind: RoomKind::Private,
            members: vec![UserId::new("bob").unwrap()],
        };
        let new = NewRoom {
            id: id.clone(),
            room,
        };
        rooms.create(&ann, new, Stamp::default()).await.unwrap();
        let message = SendMessage {
            room: id,
            content: "hello".into(),
            kind: MessageKind::Text,
            reply_to: None,
            client_id: None,
            id: None,
        };
        let new = NewMessage {
            answer: None,
            under: None,
            id: MessageId(1),
            message,
        };
        rooms.send(&ann, new, Stamp::default()).await.unwrap();
        store.close().await.unwrap();
    });
    dir
}

/// Says a line in the data folder: what stdout gets.
fn say(dir: &Path, line: &str) -> Result<String, Failure> {
    let line = format!("{line} --data-dir {}", dir.display());
    let mut out = Vec::new();
    let said = runtime()
        .unwrap()
        .block_on(perform(command(&line).unwrap(), &mut out))?;
    Ok(String::from_utf8(out).unwrap() + &said)
}

fn audited(dir: &Path) -> Vec<Value> {
    let text = fs::read_to_string(dir.join("audit.log")).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    lines
        .map(|line: Value| line["detail"]["action"].clone())
        .filter(|action| {
            action
                .as_str()
                .is_some_and(|text| text.starts_with("store_"))
        })
        .collect()
}

#[test]
fn a_whole_store_is_said_to_be_whole() {
    let dir = furnished();
    let said = say(dir.path(), "check").unwrap();
    assert!(said.ends_with("the store is whole\n"), "{said}");
    let nowhere = TempDir::new().unwrap();
    let failure = say(nowhere.path(), "check").unwrap_err();
    assert!(
        failure.message.contains("there is no store"),
        "{}",
        failure.message
    );
}

#[test]
fn a_backup_is_a_store_of_the_owner_alone() {
    let dir = furnished();
    let there = TempDir::new().unwrap();
    let copy = there.path().join("conclave.db");
    let line = format!("backup {}", copy.display());
    say(dir.path(), &line).unwrap();
    let mode = fs::metadata(&copy).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let exported = |dir: &Path| say(dir, "export").unwrap();
    assert_eq!(exported(there.path()), exported(dir.path()));
    let again = say(dir.path(), &line).unwrap_err();
    assert_eq!(
        again.exit,
        crate::cli::Exit::Failed,
        "no file is overwritten"
    );
    assert_eq!(audited(dir.path()), ["store_backup", "store_export"]);
}

#[test]
fn an_export_is_a_line_for_each_thing() {
    let dir = furnished();
    let file = dir.path().join("rooms.jsonl");
    let said = say(dir.path(), &format!("export --output {}", file.display())).unwrap();
    assert!(said.ends_with("1 rooms, 2 members, 1 messages\n"), "{said}");
    let text = fs::read_to_string(&file).unwrap();
    assert_eq!(text, say(dir.path(), "export").unwrap());
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let types: Vec<_> = lines
        .iter()
        .map(|line| line["type"].as_str().unwrap())
        .collect();
    assert_eq!(types, ["room", "member", "member", "message"]);
    assert_eq!(lines[3]["content"], "hello");
    assert_eq!(lines[3]["id"], "00000000-0000-0000-0000-000000000001");
    assert_eq!(audited(dir.path()).len(), 2);
}

#[test]
fn a_store_moves_into_postgresql_and_is_worked_at_there() {
    let (dir, database) = (furnished(), Database::new());
    let before = say(dir.path(), "export").unwrap();
    let from = dir.path().display();
    let line = format!("migrate --from {from} --to {}", database.url());
    let there = TempDir::new().unwrap();
    let said = say(there.path(), &line).unwrap();
    assert!(said.contains(" rows in "), "{said}");
    assert!(!said.contains("conclave@"), "{said}");
    assert_eq!(audited(there.path()), ["store_migrate"]);
    let file = there.path().join("conclave.toml");
    fs::write(&file, format!("[store]\nurl = '{}'", database.url())).unwrap();
    let config = format!("--config {}", file.display());
    assert_eq!(
        say(there.path(), &format!("export {config}")).unwrap(),
        before
    );
    let said = say(there.path(), &format!("check {config}")).unwrap();
    assert!(said.ends_with("the store is whole\n"), "{said}");
    let line = format!("backup {}/copy {config}", there.path().display());
    let failure = say(there.path(), &line).unwrap_err();
    assert!(failure.message.contains("pg_dump"), "{}", failure.message);
    // Now there is something.
    let failure = say(dir.path(), &format!("migrate {config}")).unwrap_err();
    assert!(failure.message.contains("not empty"), "{}", failure.message);
}

#[test]
fn a_move_without_a_file_or_a_database_is_refused() {
    let dir = furnished();
    let failure = say(dir.path(), "migrate").unwrap_err();
    assert!(failure.message.starts_with("--to: "), "{}", failure.message);
    let to = "postgres://conclave:hunter2@localhost/a?b=c";
    let failure = say(dir.path(), &format!("migrate --to {to}")).unwrap_err();
    assert!(failure.message.starts_with("--to: "), "{}", failure.message);
    assert!(!failure.message.contains("hunter2"), "{}", failure.message);
    let failure = say(dir.path(), "migrate --from /nowhere").unwrap_err();
    assert!(failure.message.contains("there is no store"));
}
