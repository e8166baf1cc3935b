use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use conclave_auth::{AccessClaims, Algorithm, Signer};
use conclave_protocol::{Clock as _, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::cli::tests::command;
use crate::cli::user::UserCommand;
use crate::cli::{Exit, user};
use crate::clock::WallClock;
use crate::config::own_secret;

/// A data folder as the first start leaves it.
fn folder() -> TempDir {
    let dir = TempDir::new().unwrap();
    own_secret(dir.path(), |bytes| {
        bytes.fill(7);
        Ok(())
    })
    .unwrap();
    dir
}

fn with_users(lines: &[&str]) -> TempDir {
    let dir = folder();
    for line in lines {
        say_user(dir.path(), line);
    }
    dir
}

fn say_user(dir: &Path, line: &str) {
    let line = format!("{line} --data-dir {}", dir.display());
    let command: UserCommand = command(&line).unwrap();
    let ask = |_| Ok(crate::config::Secret::new("correct horse".to_owned()));
    runtime()
        .unwrap()
        .block_on(user::perform(command, ask))
        .unwrap();
}

fn say(dir: &Path, line: &str) -> Result<String, Failure> {
    let line = format!("{line} --data-dir {}", dir.display());
    runtime().unwrap().block_on(async {
        match command(&line).unwrap() {
            TokenCommand::Mint(args) => mint::mint(args).await,
            TokenCommand::Revoke(args) => revoke::revoke(args).await,
            TokenCommand::Inspect { .. } => panic!("see look()"),
        }
    })
}

fn minted(dir: &Path, line: &str) -> String {
    let said = say(dir, &format!("mint {line}")).unwrap();
    said.strip_suffix('\n').unwrap().to_owned()
}

/// The report of `token inspect`, and its failure.
fn look(dir: &Path, token: &str) -> (Value, Option<String>) {
    let location = Location {
        data_dir: Some(dir.to_owned()),
        ..Location::default()
    };
    let inspected = runtime()
        .unwrap()
        .block_on(inspect::inspect(token, &location))
        .unwrap();
    let failure = inspected.refused.map(|failure| {
        assert_eq!(failure.exit, Exit::Failed);
        failure.message
    });
    (serde_json::from_str(&inspected.text).unwrap(), failure)
}

fn refused(dir: &Path, token: &str, expected: &str) {
    let (report, failure) = look(dir, token);
    assert_eq!(report["accepted"], json!(false), "{report}");
    assert_eq!(report["reason"], expected);
    assert_eq!(
        failure.unwrap(),
        format!("the server would refuse this token: {expected}")
    );
}

fn signed(secret: &[u8], issued_at: Timestamp) -> String {
    let claims = AccessClaims {
        sub: "alice",
        sid: None,
        name: None,
        roles: &[],
        permissions: &[],
        issued_at,
        life: std::time::Duration::from_secs(60),
        id: [1; 16],
        family: None,
    };
    Signer::secret(secret, Algorithm::Hs256)
        .unwrap()
        .sign(&claims)
        .unwrap()
}

#[test]
fn a_minted_token_is_accepted_and_says_what_was_asked_for() {
    let dir = folder();
    let token = minted(
        dir.path(),
        "--user alice --session standup --name Al --seconds 600 \
        --role moderator --permission topic.publish:orders.*",
    );
    let (report, failure) = look(dir.path(), &token);
    assert_eq!(failure, None);
    assert_eq!(report["header"], json!({ "alg": "HS256", "typ": "JWT" }));
    let claims = &report["claims"];
    assert_eq!(claims["roles"], json!(["moderator"]));
    let life = claims["exp"].as_f64().unwrap() - claims["iat"].as_f64().unwrap();
    assert!((599.0..=600.0).contains(&life), "{claims}");
    assert_eq!(report["accepted"], json!(true));
    assert_eq!(
        (
            &report["issuer"],
            &report["user_id"],
            &report["name"],
            &report["session"]
        ),
        (
            &json!("own"),
            &json!("alice"),
            &json!("Al"),
            &json!("standup")
        )
    );
    let permissions = report["permissions"].as_array().unwrap();
    assert!(permissions.contains(&json!("topic.publish:orders.*")));
    assert!(permissions.contains(&json!("chat:moderate")));
    assert!(report["expires_at"].as_str().unwrap().ends_with('Z'));
    // Nothing was there to be told of it.
    assert!(!dir.path().join("audit.log").exists());
}

#[test]
fn a_token_gets_the_stored_roles_or_the_default_ones() {
    let dir = with_users(&["add alice --role admin --permission p"]);
    let claims = |line: &str| look(dir.path(), &minted(dir.path(), line)).0["claims"].clone();
    let alice = claims("--user alice");
    assert_eq!(
        (&alice["roles"], &alice["permissions"]),
        (&json!(["admin"]), &json!(["p"]))
    );
    let alice = claims("--user alice --role user");
    assert_eq!(
        (&alice["roles"], &alice["permissions"]),
        (&json!(["user"]), &json!([]))
    );
    let stranger = claims("--user stranger");
    assert_eq!(stranger["roles"], json!(["user"]));
    let text = fs::read_to_string(dir.path().join("audit.log")).unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 4);
    assert_eq!(lines[3]["user"], "stranger");
    assert_eq!(lines[3]["detail"]["action"], "token_mint");
}

#[test]
fn tokens_that_no_server_accepts_are_told_why() {
    let dir = folder();
    let secret = fs::read(dir.path().join("secret.key")).unwrap();
    let secret = secret.trim_ascii_end();
    let now = WallClock::new().now();
    let check = |token: &str, expected: &str| refused(dir.path(), token, expected);
    check(
        &signed(secret, Timestamp::from_seconds(now.seconds() - 3600)),
        "it has expired",
    );
    check(
        &signed(secret, Timestamp::from_seconds(now.seconds() + 3600)),
        "iat is in the future",
    );
    let other = signed(&[9; 32], now);
    check(
        &other,
        "the signature does not fit the key: signed with another one",
    );
    check("nonsense", "it is not three parts with dots between");
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let none = format!("{}.{}.x", encode(r#"{"alg":"none"}"#), encode("{}"));
    check(&none, "a part is not base64url without padding");
    let none = format!(
        "{}.{}.{}",
        encode(r#"{"alg":"none"}"#),
        encode("{}"),
        encode("x")
    );
    check(&none, "alg is missing or not one that is accepted");
    assert_eq!(
        look(dir.path(), &none).0["header"],
        json!({ "alg": "none" })
    );
    assert_eq!(look(dir.path(), "nonsense").0["claims"], Value::Null);
}

#[test]
fn tokens_of_disabled_and_removed_users_are_refused() {
    let dir = with_users(&["add alice"]);
    let token = minted(dir.path(), "--user alice");
    say_user(dir.path(), "disable alice");
    refused(dir.path(), &token, "its user is disabled or was removed");
    let failure = say(dir.path(), "mint --user alice").unwrap_err();
    let expected = "the server would refuse it: its user is disabled or was removed";
    assert_eq!(failure.message, expected);
    say_user(dir.path(), "remove alice");
    refused(dir.path(), &token, "it was revoked");
}

#[test]
fn a_revoked_token_is_refused_and_others_are_not() {
    let dir = with_users(&["add alice"]);
    let (one, other) = (
        minted(dir.path(), "--user alice"),
        minted(dir.path(), "--user alice"),
    );
    let said = say(dir.path(), &format!("revoke {one}")).unwrap();
    assert_eq!(said, "alice: the token is revoked\n");
    refused(dir.path(), &one, "it was revoked");
    assert_eq!(look(dir.path(), &other).1, None);
    let audit = fs::read_to_string(dir.path().join("audit.log")).unwrap();
    let line: Value = serde_json::from_str(audit.lines().last().unwrap()).unwrap();
    assert_eq!(
        (&line["event"], &line["user"]),
        (&json!("revocation"), &json!("alice"))
    );
    assert_eq!(line["session"], "session-alice");
    assert!(!audit.contains(&one));
}

#[test]
fn a_user_or_a_session_is_revoked_until_now() {
    let dir = with_users(&["add alice"]);
    for what in ["user alice", "session standup", "session session-alice"] {
        let sid = if what.ends_with("standup") {
            "--session standup"
        } else {
            ""
        };
        let mint = || minted(dir.path(), &format!("--user alice {sid}"));
        let before = mint();
        let said = say(dir.path(), &format!("revoke --{what}")).unwrap();
        assert!(
            said.contains("tokens") && said.ends_with("revoked\n"),
            "{said}"
        );
        refused(dir.path(), &before, "it was revoked");
        assert_eq!(
            look(dir.path(), &mint()).1,
            None,
            "{what}: a new token counts at once"
        );
    }
}

#[test]
fn bad_input_is_named() {
    let dir = with_users(&["add alice"]);
    let check = |line: &str, expected: &str| {
        let failure = say(dir.path(), line).unwrap_err();
        assert!(
            failure.message.ends_with(expected),
            "{line}: {}",
            failure.message
        );
    };
    check("mint --user=", "--user: the name must not be empty");
    check(
        "mint --user a --session=",
        "--session: the name must not be empty",
    );
    check(
        "mint --user a --role usr",
        "--role: \"usr\" given, expected a name of [auth.roles]",
    );
    check(
        "revoke x.y",
        "no server accepts this token: it is not three parts with dots between",
    );
    check("revoke --user=", "--user: the name must not be empty");
    let secret = fs::read(dir.path().join("secret.key")).unwrap();
    let old = signed(secret.trim_ascii_end(), Timestamp::from_seconds(1));
    let said = say(dir.path(), &format!("revoke {old}")).unwrap();
    assert_eq!(said, "the token has expired already\n");
}

#[test]
fn without_a_key_nothing_is_minted_and_nothing_made() {
    let dir = TempDir::new().unwrap();
    let wrong = dir.path().join("typo");
    let failure = say(&wrong, "mint --user alice").unwrap_err();
    let expected = "there is no own key yet; the first start of the server makes it";
    assert_eq!(
        failure.message,
        format!("{}: {expected}", wrong.join("secret.key").display())
    );
    assert!(say(&wrong, "revoke --user alice").is_err());
    assert!(!wrong.exists());
}

#[test]
fn a_dash_stands_for_the_first_line_of_stdin() {
    let read = |token: &str, stdin: &str| given(token.to_owned(), &mut stdin.as_bytes());
    assert_eq!(read("-", " a.b.c \nmore\n").unwrap(), "a.b.c");
    assert_eq!(read("a.b.c", "x").unwrap(), "a.b.c");
    assert_eq!(read("-", "").unwrap_err().message, "no token given");
}
