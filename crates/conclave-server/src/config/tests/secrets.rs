use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tempfile::TempDir;

use super::{DEV, SECRET, check, faults, loaded};
use crate::config::*;

#[test]
fn secrets_are_never_shown() {
    let variables = [
        ("CONCLAVE_AUTH__SECERT", "hunter2"),
        ("CONCLAVE_AUTH__SECRET__X", "hunter2"),
    ];
    let text = "[auth]\nsecret = ['hunter2']\nsecrets = 'hunter2'";
    let all = faults(text, &variables, Profile::default()).join("\n");
    assert!(
        all.contains("auth.secret: another type given, expected secret text"),
        "{all}"
    );
    assert!(!all.contains("hunter2"), "{all}");

    let setup = loaded(
        "",
        &[("JWT_SECRET_KEY", SECRET), ("WS_TEST_TOKEN", "hunter2")],
        DEV,
    )
    .unwrap();
    let shown = format!("{setup:?}");
    assert!(
        !shown.contains(SECRET) && !shown.contains("hunter2"),
        "{shown}"
    );
    assert_eq!(setup.secret.unwrap().reveal(), SECRET);
}

#[test]
fn weak_and_published_secrets_are_for_dev_mode_only() {
    for (secret, weakness) in [
        ("short", "5 bytes given, expected at least 32"),
        ("rusty_websocket_jwt_secret_key_32b", PUBLISHED),
        ("a-string-secret-at-least-256-bits-long", PUBLISHED),
        ("your-256-bit-secret-your-256-bit-secret", PUBLISHED),
        (
            "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
            PUBLISHED,
        ),
        ("please-ChangeMe-before-production-0", PUBLISHED),
        (
            "abcabcabcabcabcabcabcabcabcabcabcabc",
            "a repetition given, expected random text",
        ),
    ] {
        let variables = [("JWT_SECRET_KEY", secret)];
        check("", &variables, &[&format!("auth.secret: {weakness}")]);
        let setup = loaded("", &variables, DEV).unwrap();
        let warning = format!("auth.secret: {weakness}; allowed by --dev only");
        assert!(setup.warnings.contains(&warning), "{:?}", setup.warnings);
    }
    check("", &[("JWT_SECRET_KEY", SECRET)], &[]);
}

const PUBLISHED: &str = "a published sample given, expected a secret of one's own";

#[test]
fn the_secret_comes_from_the_last_source_that_names_one() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("secret");
    fs::write(&path, format!("{SECRET}-file\n")).unwrap();
    let text = format!("[auth]\nsecret_file = '{}'", path.display());
    let secret = |text: &str, variables: &[(&str, &str)]| {
        let setup = loaded(text, variables, Profile::default()).unwrap();
        setup.secret.map(|secret| secret.reveal().to_owned())
    };
    assert_eq!(secret("", &[]), None);
    assert_eq!(secret(&text, &[]), Some(format!("{SECRET}-file")));
    assert_eq!(
        secret(&text, &[("JWT_SECRET_KEY", SECRET)]),
        Some(SECRET.to_owned())
    );
    let both = format!("{text}\nsecret = '{SECRET}'");
    check(
        &both,
        &[],
        &["auth.secret_file: given beside auth.secret, expected one of them"],
    );
    let missing = faults(
        "[auth]\nsecret_file = '/nowhere/x'",
        &[],
        Profile::default(),
    );
    assert!(
        missing[0].starts_with("auth.secret_file: /nowhere/x: No such file"),
        "{missing:?}"
    );
}

fn counting(bytes: &mut [u8; 32]) -> io::Result<()> {
    use std::sync::atomic::{AtomicU8, Ordering};
    static NEXT: AtomicU8 = AtomicU8::new(1);
    bytes.fill(NEXT.fetch_add(1, Ordering::Relaxed));
    Ok(())
}

#[test]
fn the_own_secret_is_made_once_for_the_owner_alone() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    let secrets: Vec<Secret> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| own_secret(&data, counting).unwrap()))
            .collect();
        starts
            .into_iter()
            .map(|start| start.join().unwrap())
            .collect()
    });
    assert!(
        secrets
            .iter()
            .all(|secret| *secret == secrets[0] && secret.reveal().len() == 43)
    );
    assert_eq!(own_secret(&data, counting).unwrap(), secrets[0]);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data.join("secret.key")), 0o600);
    assert_eq!(mode(&data), 0o700);
    assert_eq!(fs::read_dir(&data).unwrap().count(), 1, "no drafts stay");
}

#[test]
fn an_own_secret_that_others_can_read_is_refused() {
    let dir = TempDir::new().unwrap();
    own_secret(dir.path(), counting).unwrap();
    let path = dir.path().join("secret.key");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let error = own_secret(dir.path(), counting).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
    assert!(
        error
            .to_string()
            .ends_with("mode 0640 lets others use this secret; make it 0600")
    );
    let flags = Flags {
        data_dir: Some(dir.path().to_owned()),
        ..Flags::default()
    };
    let faults = load(
        &Launch {
            flags,
            ..Launch::default()
        },
        [],
    )
    .unwrap_err();
    assert_eq!(faults.0[0].path(), "auth.secret");

    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&path, "short\n").unwrap();
    let error = own_secret(dir.path(), counting).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("holds 5 bytes, expected at least 32")
    );
}

#[test]
fn random_that_fails_leaves_no_secret() {
    let dir = TempDir::new().unwrap();
    let error = own_secret(dir.path(), |_| Err(io::Error::other("no entropy"))).unwrap_err();
    assert!(
        error.to_string().ends_with("secret.key: no entropy"),
        "{error}"
    );
    assert!(!dir.path().join("secret.key").exists());
}
