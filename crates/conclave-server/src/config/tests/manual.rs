use std::fs;
use std::path::Path;

use super::loaded;
use crate::config::value::{Entry, Inner, Value as _};
use crate::config::*;

#[test]
fn the_committed_manual_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/config.md");
    let committed = fs::read_to_string(path).unwrap();
    assert!(
        committed == manual(),
        "docs/config.md is old: conclave config doc > docs/config.md"
    );
}

#[test]
fn the_default_file_reads_back_as_the_defaults() {
    let setup = loaded(&default_file(), &[], Profile::default()).unwrap();
    let mut expected = Config::default();
    expected.server.data_dir = setup.config.server.data_dir.clone();
    assert_eq!(setup.config, expected);
}

#[test]
fn the_default_file_names_every_key() {
    fn names(entries: &[Entry], all: &mut Vec<&'static str>) {
        for entry in entries {
            all.push(entry.name);
            if let Inner::Table(inner) | Inner::List(inner) = &entry.inner {
                names(inner, all);
            }
        }
    }
    let Inner::Table(entries) = Config::default().inner() else {
        panic!("no table")
    };
    let mut all = Vec::new();
    names(&entries, &mut all);
    let (file, page) = (default_file(), manual());
    assert!(all.len() > 80, "{} keys", all.len());
    for name in all {
        assert!(file.contains(name) && page.contains(name), "{name}");
    }
}
