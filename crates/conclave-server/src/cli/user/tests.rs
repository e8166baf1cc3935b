use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use conclave_auth::{
    Password, RefreshFamilies as _, RefreshFamily, Revocations as _, Revoked, Rotation, SecretHash,
    UserState, Users as _, password,
};
use conclave_protocol::{Clock, FamilyId, Timestamp, UserId};
use conclave_store::{Store, StoreOptions};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::audit::{self, AuditKey, Event, Kind};
use crate::cli::tests::command;
use crate::clock::WallClock;
use crate::config::{Config, stored_secret};
use crate::start::open_audit;

/// Says a line in the data folder; the password is always the same.
fn say(dir: &Path, line: &str) -> Result<String, Failure> {
    let line = format!("{line} --data-dir {}", dir.display());
    let ask = |_| Ok(Secret::new("correct horse".to_owned()));
    runtime()
        .unwrap()
        .block_on(perform(command(&line).unwrap(), ask))
}

fn with_alice() -> TempDir {
    let dir = TempDir::new().unwrap();
    say(dir.path(), "add alice").unwrap();
    dir
}

fn name(text: &str) -> UserId {
    UserId::new(text).unwrap()
}

fn in_store<T>(dir: &Path, ask: impl AsyncFnOnce(&Store) -> T) -> T {
    runtime().unwrap().block_on(async {
        let path = dir.join("conclave.db");
        let store = Store::open(&path, StoreOptions::default()).await.unwrap();
        let answer = ask(&store).await;
        store.close().await.unwrap();
        answer
    })
}

fn audit_lines(dir: &Path) -> Vec<Value> {
    let text = fs::read_to_string(dir.join("audit.log")).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn refused(dir: &Path, line: &str, expected: &str) {
    let failure = say(dir, line).unwrap_err();
    assert!(
        failure.message.ends_with(expected),
        "{line}: {}",
        failure.message
    );
}

#[test]
fn users_are_listed_as_a_table_and_as_json_lines() {
    let dir = with_alice();
    let added = say(
        dir.path(),
        "add bob --role moderator --role user --permission x.y:*",
    );
    assert_eq!(
        added.unwrap(),
        "bob: added, roles moderator,user, permissions x.y:*\n"
    );
    assert_eq!(say(dir.path(), "disable bob").unwrap(), "bob: disabled\n");
    assert_eq!(
        say(dir.path(), "list").unwrap(),
        "NAME   STATE     ROLES           PERMISSIONS\n\
         alice  active    user            -\n\
         bob    disabled  moderator,user  x.y:*\n"
    );
    assert_eq!(
        say(dir.path(), "list --json").unwrap(),
        "{\"name\":\"alice\",\"disabled\":false,\"roles\":[\"user\"],\"permissions\":[]}\n\
         {\"name\":\"bob\",\"disabled\":true,\"roles\":[\"moderator\",\"user\"],\
         \"permissions\":[\"x.y:*\"]}\n"
    );
}

#[test]
fn the_password_that_was_given_signs_in() {
    let dir = with_alice();
    let alice = in_store(dir.path(), async |store| store.find(&name("alice")).await);
    let hash = alice.unwrap().unwrap().password_hash;
    assert!(hash.0.starts_with("$argon2id$"));
    let is = |text: &str| password::verify(&Password::new(text.to_owned()).unwrap(), &hash);
    assert!(is("correct horse") && !is("correct Horse"));
}

#[test]
fn a_new_password_ends_every_sign_in_and_token() {
    let dir = with_alice();
    let token = SecretHash([1; 32]);
    let at = Timestamp::from_seconds(1);
    in_store(dir.path(), async |store| {
        let family = RefreshFamily {
            id: FamilyId([7; 16]),
            user: name("alice"),
            session: None,
            expires_at: Timestamp::from_seconds(u64::from(u32::MAX)),
            access_seconds: 60,
        };
        store.start(&family, token, at, 10).await.unwrap();
    });
    let said = say(dir.path(), "passwd alice").unwrap();
    assert_eq!(
        said,
        "alice: the password is changed; all sign-ins and tokens so far have ended\n"
    );
    in_store(dir.path(), async |store| {
        let rotated = store
            .rotate(token, SecretHash([2; 32]), at, Duration::ZERO)
            .await;
        assert_eq!(rotated.unwrap(), Rotation::Unknown);
        let revoked = store.after(0, 10).await.unwrap();
        assert!(
            matches!(&revoked[0].1.revoked, Revoked::User { user, .. } if *user == name("alice"))
        );
    });
    let line = audit_lines(dir.path()).pop().unwrap();
    assert_eq!(
        (&line["user"], &line["detail"]["action"]),
        (&json!("alice"), &json!("user_passwd"))
    );
}

#[test]
fn grants_are_given_and_taken_and_the_audit_says_what_was_before() {
    let dir = with_alice();
    let said = say(
        dir.path(),
        "grant alice --role moderator --remove-role user --permission p:q",
    );
    assert_eq!(said.unwrap(), "alice: roles moderator, permissions p:q\n");
    let said = say(
        dir.path(),
        "grant alice --remove-permission p:q --remove-role unheard",
    );
    assert_eq!(said.unwrap(), "alice: roles moderator, permissions -\n");
    let lines = audit_lines(dir.path());
    assert_eq!(lines[1]["event"], "role_change");
    let detail = &lines[1]["detail"];
    assert_eq!(detail["roles"], json!(["moderator"]));
    assert_eq!(detail["former_roles"], json!(["user"]));
    assert!(detail["by"]["command_line"]["uid"].is_number());
}

#[test]
fn what_becomes_of_a_user_is_in_the_change_feed() {
    let dir = with_alice();
    let state = || {
        let changes = in_store(dir.path(), async |store| store.changes(0, 10).await);
        changes.unwrap().pop().unwrap().state
    };
    say(dir.path(), "disable alice").unwrap();
    assert_eq!(state(), UserState::Disabled);
    assert_eq!(say(dir.path(), "enable alice").unwrap(), "alice: enabled\n");
    assert!(matches!(state(), UserState::Active { .. }));
    say(dir.path(), "remove alice").unwrap();
    assert_eq!(state(), UserState::Deleted);
    let revoked = in_store(dir.path(), async |store| store.after(0, 10).await).unwrap();
    assert!(matches!(&revoked[0].1.revoked, Revoked::User { user, .. } if *user == name("alice")));
    let actions: Vec<_> = audit_lines(dir.path())
        .iter()
        .map(|line| line["detail"]["action"].clone())
        .collect();
    assert_eq!(
        actions,
        ["user_add", "user_disable", "user_enable", "user_remove"]
    );
}

#[test]
fn commands_write_the_chain_of_a_server_that_runs() {
    let dir = with_alice();
    let mut config = Config::default();
    config.server.data_dir = dir.path().to_owned();
    let clock: Arc<dyn Clock> = Arc::new(WallClock::new());
    let server = open_audit(&config, &clock).unwrap();
    for line in ["disable alice", "enable alice", "remove alice"] {
        server.record(Event::new(Kind::SignInOk, clock.now()));
        say(dir.path(), line).unwrap();
        server.flush().unwrap();
    }
    let key = AuditKey::new(&stored_secret(&config.audit_key_file()).unwrap());
    let report = audit::verify(&config.audit_file(), &key, None).unwrap();
    assert_eq!(report.head.seq(), 7);
}

#[test]
fn bad_input_is_refused_and_nothing_is_stored() {
    let dir = with_alice();
    let check = |line: &str, expected: &str| refused(dir.path(), line, expected);
    check("add alice", "alice: there is such a user already");
    check("passwd bob", "bob: there is no such user");
    check("grant bob --role user", "bob: there is no such user");
    check("disable bob", "bob: there is no such user");
    check("remove bob", "bob: there is no such user");
    let roles = "expected one of [auth.roles]: admin, moderator, user";
    check(
        "add bob --role usr",
        &format!("--role: \"usr\" given, {roles}"),
    );
    check(
        "grant alice --role usr",
        &format!("--role: \"usr\" given, {roles}"),
    );
    check(
        "grant alice --permission=",
        "--permission: \"\" must not be empty",
    );
    check(
        &format!("add {}", "x".repeat(256)),
        "the name must be at most 255 bytes",
    );
    let short = |_| Ok(Secret::new("1234567".to_owned()));
    let line = format!("add bob --data-dir {}", dir.path().display());
    let failure = runtime()
        .unwrap()
        .block_on(perform(command(&line).unwrap(), short))
        .unwrap_err();
    assert_eq!(failure.message, "the password: expected 8 to 1024 bytes");
    assert_eq!(say(dir.path(), "list").unwrap().lines().count(), 2);
    assert_eq!(audit_lines(dir.path()).len(), 1);
}

#[test]
fn a_folder_without_a_store_is_named_and_left_alone() {
    let dir = TempDir::new().unwrap();
    let wrong = dir.path().join("typo");
    for line in [
        "list",
        "remove alice",
        "grant alice --role user",
        "passwd alice",
    ] {
        refused(
            &wrong,
            line,
            "typo/conclave.db: there is no store; is --data-dir right?",
        );
    }
    assert!(!wrong.exists());
}
