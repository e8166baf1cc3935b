//! What must hold for any bytes that claim to be a document.
//!
//! The property tests and the fuzz target run the same body.

use crate::generate::{Dependencies, generate};
use crate::service::{Options, plan};
use crate::source::MemoryLoader;
use crate::{Limits, Reading, has_errors, read};

/// The bytes read to a document or to an error with a place in a file, never to a panic; twice the same.
///
/// A line of `---8<---` begins a second file, `b.yaml`, that references can name.
pub fn document(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let (first, second) = text.split_once("---8<---\n").unwrap_or((text, ""));
    let loader = MemoryLoader::new([("a.yaml", first), ("b.yaml", second)]);
    let limits = Limits {
        nodes_max: 20_000,
        ..Limits::default()
    };
    let reading = read("a.yaml", &loader, &limits);
    assert!(
        reading.document.is_some() || has_errors(&reading.diagnostics),
        "refused without a word"
    );
    for diagnostic in &reading.diagnostics {
        assert!(diagnostic.place.line > 0 && diagnostic.place.column > 0);
        assert!(["a.yaml", "b.yaml"].contains(&diagnostic.file.as_str()));
    }
    generated(&reading);
    assert_eq!(
        reading.diagnostics,
        read("a.yaml", &loader, &limits).diagnostics
    );
}

/// What is read without errors gives a crate that is Rust, or findings that say why not.
fn generated(reading: &Reading) {
    let Some(document) = reading
        .document
        .as_ref()
        .filter(|_| !has_errors(&reading.diagnostics))
    else {
        return;
    };
    let dependencies = Dependencies {
        runtime: "version = \"0.1\"".to_owned(),
        document: "a.yaml".to_owned(),
    };
    match plan(document, &Options::default()) {
        Ok((service, _)) => {
            let files = generate(&service, &dependencies);
            assert!(
                files.is_ok(),
                "what was generated is no Rust: {:?}",
                files.err()
            );
        }
        Err(found) => assert!(has_errors(&found), "refused without a word"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    const SEEDS: &[&str] = &[
        include_str!("../tests/documents/chat-3.0.yaml"),
        include_str!("../tests/documents/chat-2.6.yaml"),
        include_str!("../../../examples/websocket-secure/asyncapi.yaml"),
    ];

    /// A document with one of its lines repeated, dropped, moved in or out, or with its value replaced.
    fn damaged(seed: usize, edits: &[(usize, u8)]) -> String {
        let mut lines: Vec<String> = SEEDS[seed % SEEDS.len()]
            .lines()
            .map(str::to_owned)
            .collect();
        for (at, edit) in edits {
            let at = at % lines.len();
            match edit % 9 {
                0 => lines[at].insert_str(0, "  "),
                1 => lines[at] = lines[at].trim_start().to_owned(),
                2 => {
                    let line = lines[at].clone();
                    lines.push(line);
                }
                3 => lines[at] = lines[at].replace(": ", ": [") + "]",
                4 => {
                    lines[at] =
                        format!("{}$ref: '#/components'", &" ".repeat(usize::from(edit % 9)))
                }
                5 => lines[at] = lines[at].replace(':', ": &a"),
                6 => lines[at] = lines[at].replace(char::is_alphabetic, "{"),
                7 => lines[at] = lines[at].replace(['a', 'e', 'i'], "_$ "),
                _ => lines[at] = lines[at].replace("string", "[object, 'null']"),
            }
        }
        lines.join("\n")
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_text_reads_or_is_refused(text in "\\PC{0,300}") {
            super::document(text.as_bytes());
        }

        #[test]
        fn damaged_documents_read_or_are_refused(
            seed in 0_usize..3,
            edits in prop::collection::vec((any::<usize>(), any::<u8>()), 1..6),
        ) {
            super::document(damaged(seed, &edits).as_bytes());
        }
    }
}
