use std::fs;
use std::path::Path;

use conclave_auth::{KeyRing, looks_like_key};
use conclave_protocol::Timestamp;
use conclave_store::{Store, StoreOptions};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::cli::tests::command;

/// Says a line in the data folder.
fn say(dir: &Path, line: &str) -> Result<Said, Failure> {
    let line = format!("{line} --data-dir {}", dir.display());
    runtime()
        .unwrap()
        .block_on(perform(command(&line).unwrap()))
}

fn add(dir: &Path, line: &str) -> String {
    let said = say(dir, &format!("add {line}")).map_err(|failure| failure.message);
    said.unwrap_or_else(|failure| panic!("{failure}"))
        .answer
        .trim_end()
        .to_owned()
}

fn listed(dir: &Path) -> Vec<Value> {
    let said = say(dir, "list --json").map_err(|failure| failure.message);
    let text = said.unwrap_or_else(|failure| panic!("{failure}")).answer;
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn refused(dir: &Path, line: &str) -> String {
    match say(dir, line) {
        Ok(said) => panic!("{line}: {}", said.answer),
        Err(failure) => failure.message,
    }
}

/// What a server over the same store makes of a key, at this second.
fn permissions(dir: &Path, shown: &str, second: u64) -> Option<Vec<String>> {
    runtime().unwrap().block_on(async {
        let path = dir.join("conclave.db");
        let store = Store::open(&path, StoreOptions::default()).await.unwrap();
        let ring = KeyRing::new(std::sync::Arc::new(store));
        let holder = ring.admit(shown, Timestamp::from_seconds(second)).await;
        holder.ok().map(|holder| holder.key.permissions.clone())
    })
}

#[test]
fn a_key_is_shown_once_and_counts_until_it_ends() {
    let dir = TempDir::new().unwrap();
    let shown = add(
        dir.path(),
        "--name billing --permission server.publish --permission topic.publish:a.* --expires 2h",
    );
    assert!(looks_like_key(&shown), "{shown}");
    assert_eq!(shown.len(), "key_".len() + 43);
    let key = listed(dir.path()).pop().unwrap();
    assert_eq!(key["name"], "billing");
    assert_eq!(key["state"], "active");
    assert_eq!(key["last_used"], Value::Null);
    let moment = |name: &str| key[name].as_str().unwrap().parse::<jiff::Timestamp>();
    let (made, ends) = (moment("created_at").unwrap(), moment("expires_at").unwrap());
    assert_eq!(ends.as_second() - made.as_second(), 7200);
    let second = |after: i64| u64::try_from(made.as_second() + after).unwrap();
    let granted = ["server.publish", "topic.publish:a.*"].map(str::to_owned);
    assert_eq!(permissions(dir.path(), &shown, second(1)).unwrap(), granted);
    assert_eq!(permissions(dir.path(), &shown, second(7201)), None);
    let mut read = 0;
    for file in fs::read_dir(dir.path()).unwrap() {
        // The store's log goes when the last connection is closed, which nobody waits for.
        let Ok(bytes) = fs::read(file.unwrap().path()) else {
            continue;
        };
        read += bytes.len();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(&shown), "the key itself is nowhere");
    }
    assert!(read > 0, "the store is read");
}

#[test]
fn a_revoked_key_stays_in_the_list_and_frees_its_name() {
    let dir = TempDir::new().unwrap();
    let first = add(
        dir.path(),
        "--name billing --permission server.publish --expires never",
    );
    assert_eq!(
        refused(dir.path(), "add --name billing --permission x"),
        "billing: there is a key in force with this name already"
    );
    let said = say(dir.path(), "revoke billing").ok().unwrap().answer;
    assert!(said.ends_with("(billing): the key is revoked\n"), "{said}");
    let now = u64::try_from(jiff::Timestamp::now().as_second()).unwrap();
    assert_eq!(permissions(dir.path(), &first, now), None);
    let second = add(dir.path(), "--name billing --permission server.publish");
    assert!(permissions(dir.path(), &second, now + 1).is_some());
    let (revoked, live): (Vec<_>, Vec<_>) = listed(dir.path())
        .into_iter()
        .partition(|key| key["state"] == "revoked");
    assert_eq!((revoked.len(), live.len()), (1, 1));
    let id = revoked[0]["id"].as_str().unwrap();
    let again = say(dir.path(), &format!("revoke {id}")).ok().unwrap();
    assert_eq!(again.answer, format!("{id}: the key is revoked already\n"));
    let id = live[0]["id"].as_str().unwrap();
    say(dir.path(), &format!("revoke {id}")).ok().unwrap();
    assert_eq!(
        refused(dir.path(), "revoke billing"),
        "billing: there is no such key"
    );
}

#[test]
fn keys_are_listed_as_a_table() {
    let dir = TempDir::new().unwrap();
    add(
        dir.path(),
        "--name billing --permission server.publish --expires never",
    );
    let table = say(dir.path(), "list").ok().unwrap().answer;
    let mut lines = table.lines().map(str::split_whitespace);
    let head: Vec<_> = lines.next().unwrap().collect();
    assert_eq!(
        head,
        [
            "ID",
            "NAME",
            "STATE",
            "PERMISSIONS",
            "EXPIRES",
            "LAST",
            "USED"
        ]
    );
    let row: Vec<_> = lines.next().unwrap().skip(1).collect();
    assert_eq!(row, ["billing", "active", "server.publish", "-", "-"]);
}

#[test]
fn every_change_is_in_the_audit_without_the_key() {
    let dir = TempDir::new().unwrap();
    let shown = add(dir.path(), "--name billing --permission server.publish");
    say(dir.path(), "revoke billing").ok().unwrap();
    let text = fs::read_to_string(dir.path().join("audit.log")).unwrap();
    assert!(!text.contains(&shown));
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let actions: Vec<_> = lines.iter().map(|line| &line["detail"]["action"]).collect();
    assert_eq!(actions, [&json!("key_add"), &json!("key_revoke")]);
    assert_eq!(lines[0]["event"], "admin_action");
    assert_eq!(lines[0]["detail"]["permissions"], json!(["server.publish"]));
    assert_eq!(lines[0]["detail"]["key"], lines[1]["detail"]["key"]);
    assert!(lines[0]["detail"]["by"]["command_line"]["uid"].is_number());
}

#[test]
fn bad_input_is_refused_and_nothing_is_stored() {
    let dir = TempDir::new().unwrap();
    add(dir.path(), "--name one --permission x");
    assert_eq!(
        refused(dir.path(), "add --name= --permission x"),
        "--name must not be empty"
    );
    assert_eq!(
        refused(dir.path(), "add --name two --permission="),
        "--permission must not be empty"
    );
    assert_eq!(
        refused(dir.path(), "revoke two"),
        "two: there is no such key"
    );
    let wrong = dir.path().join("typo");
    for line in ["list", "revoke one"] {
        let problem = refused(&wrong, line);
        let expected = "typo/conclave.db: there is no store; is --data-dir right?";
        assert!(problem.ends_with(expected), "{problem}");
    }
    assert!(!wrong.exists());
    assert_eq!(listed(dir.path()).len(), 1);
    assert!(
        command::<KeyCommand>("add --name two").is_err(),
        "no permission"
    );
}

#[test]
fn lives_are_read_within_bounds() {
    let seconds = |text: &str| match life(text) {
        Ok(Life::For(life)) => Some(life.as_secs()),
        Ok(Life::Endless) => Some(0),
        Err(_) => None,
    };
    for (text, expected) in [
        ("never", Some(0)),
        ("60s", Some(60)),
        ("1m", Some(60)),
        ("12h", Some(43_200)),
        ("90d", Some(7_776_000)),
        ("2w", Some(1_209_600)),
        ("3650d", Some(315_360_000)),
        ("3651d", None),
        ("59s", None),
        ("0d", None),
        ("-1d", None),
        ("90", None),
        ("d", None),
        ("", None),
        ("9Ω", None),
        ("99999999999999999999w", None),
    ] {
        assert_eq!(seconds(text), expected, "{text}");
    }
}
