use super::*;

const CHAT: &str = include_str!("../../../../examples/websocket-secure/asyncapi.yaml");

fn order(folder: &Path) -> Order {
    let document = folder.join("asyncapi.yaml");
    std::fs::write(&document, CHAT).unwrap();
    Order {
        document,
        out: Some(folder.join("out")),
        ..Order::default()
    }
}

#[test]
fn generating_twice_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let order = order(folder.path());
    let first = generate_crate(&order);
    assert_eq!(first.status, 0, "{}", first.text);
    assert!(
        first.text.ends_with("14 files, 14 written\n"),
        "{}",
        first.text
    );
    let second = generate_crate(&order);
    assert!(
        second.text.ends_with("14 files, 0 written\n"),
        "{}",
        second.text
    );
    let checked = generate_crate(&Order {
        check: true,
        ..order
    });
    assert_eq!((checked.text.as_str(), checked.status), ("", 0));
}

#[test]
fn what_differs_is_told_and_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let order = order(folder.path());
    assert_eq!(generate_crate(&order).status, 0);
    let model = folder.path().join("out/src/model.rs");
    let changed = std::fs::read_to_string(&model).unwrap() + "// more\n";
    std::fs::write(&model, &changed).unwrap();
    let checked = generate_crate(&Order {
        check: true,
        ..order
    });
    assert_eq!(checked.status, 1);
    assert!(
        checked.text.ends_with("src/model.rs differs\n"),
        "{}",
        checked.text
    );
    assert_eq!(std::fs::read_to_string(&model).unwrap(), changed);
}

#[test]
fn what_somebody_wrote_stays() {
    let folder = tempfile::tempdir().unwrap();
    let order = order(folder.path());
    let own = folder.path().join("out/src/lib.rs");
    std::fs::create_dir_all(own.parent().unwrap()).unwrap();
    std::fs::write(&own, "fn mine() {}\n").unwrap();
    let refused = generate_crate(&order);
    assert_eq!(refused.status, 2);
    assert!(
        refused.text.contains("was not generated"),
        "{}",
        refused.text
    );
    assert_eq!(std::fs::read_to_string(&own).unwrap(), "fn mine() {}\n");
    assert!(!folder.path().join("out/Cargo.toml").exists());
}

#[test]
fn check_prints_findings_or_a_summary() {
    let folder = tempfile::tempdir().unwrap();
    let order = order(folder.path());
    let fine = check(&order.document, None);
    let expected = "AsyncAPI 3.1.0: Secure Chat 1.0.0, 4 channels, 7 operations, 9 messages\n";
    assert_eq!((fine.text.as_str(), fine.status), (expected, 0));
    std::fs::write(
        &order.document,
        CHAT.replace("scheme: bearer", "scheme: digest"),
    )
    .unwrap();
    let unsupported = check(&order.document, None);
    assert_eq!(unsupported.status, 0);
    assert!(
        unsupported
            .text
            .contains("warning: the security scheme `jwtAuth` (http digest)"),
        "{}",
        unsupported.text
    );
    std::fs::write(
        &order.document,
        CHAT.replace("action: receive", "action: publish"),
    )
    .unwrap();
    let wrong = check(&order.document, None);
    assert_eq!(wrong.status, 1);
    assert!(wrong.text.starts_with("asyncapi.yaml:"), "{}", wrong.text);
    assert_eq!(check(&folder.path().join("none.yaml"), None).status, 2);
}

#[test]
fn a_symbolic_link_out_of_the_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("inside");
    std::fs::create_dir(&inside).unwrap();
    std::fs::write(folder.path().join("secret.yaml"), "a: 1").unwrap();
    std::os::unix::fs::symlink(folder.path().join("secret.yaml"), inside.join("link.yaml"))
        .unwrap();
    let document = inside.join("asyncapi.yaml");
    let text =
        "asyncapi: 3.0.0\ninfo: {title: T, version: '1'}\nchannels: {c: {$ref: 'link.yaml'}}\n";
    std::fs::write(&document, text).unwrap();
    let refused = check(&document, None);
    assert!(
        refused.text.contains("leads out of the document's folder"),
        "{}",
        refused.text
    );
}

#[test]
fn a_module_for_build_scripts_is_one_text() {
    let folder = tempfile::tempdir().unwrap();
    let text = module_text(&order(folder.path())).unwrap();
    for part in [
        "pub mod model {",
        "pub trait ChatMessagesService",
        "pub static SPEC",
    ] {
        assert!(text.contains(part), "{part}");
    }
}

#[test]
fn ways_between_folders() {
    let table = [
        ("/a/b/out", "/a/crates/x", "../../crates/x"),
        ("/a", "/a/b", "b"),
        ("/a/./b/../c", "/a/c/d", "d"),
    ];
    for (from, to, expected) in table {
        assert_eq!(between(Path::new(from), Path::new(to)), expected);
    }
}
