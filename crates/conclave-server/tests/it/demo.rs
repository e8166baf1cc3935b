//! `conclave demo`, and `conclave` alone.

use std::net::TcpListener;
use std::process::{Command, Output, Stdio};

use crate::world::Plan;

fn conclave(arguments: &[&str], folder: &std::path::Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_conclave"))
        .args(arguments)
        .env_clear()
        // What somebody's own server is set to is nothing to the demo's.
        .env("CONCLAVE_SERVER__LISTEN", "192.0.2.1:1")
        .env("TMPDIR", folder)
        .stdin(Stdio::null())
        .output()
        .expect("the program")
}

#[test]
fn the_demo_plays_to_its_end_and_leaves_nothing_behind() {
    for arguments in [&[][..], &["demo"]] {
        let folder = tempfile::tempdir().expect("a folder");
        let output = conclave(arguments, folder.path());
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{said}{output:?}");
        for line in [
            "Client2 hears DetectCustomerEvent from Client2",
            "Client3 heard nothing of the first session.",
            "Client3 sees it as number",
            "Everything was heard by whom it was meant for, and by nobody else.",
        ] {
            assert!(said.contains(line), "{said}");
        }
        let left = std::fs::read_dir(folder.path()).expect("readable").count();
        assert_eq!(left, 0);
    }
}

#[test]
fn a_demo_that_cannot_be_played_says_why() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = conclave(&["demo"], &folder.path().join("missing"));
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.starts_with("conclave: the demo failed: no temporary folder"),
        "{said}"
    );
}

#[test]
fn a_taken_port_of_the_pages_is_named() {
    // Where somebody else has it, it is as taken.
    let _taken = TcpListener::bind("127.0.0.1:8080");
    let output = Plan::new().argument("--web").argument("--dev").fail();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("server.listen[1]: 127.0.0.1:8080: Address already in use"),
        "{said}"
    );
}
