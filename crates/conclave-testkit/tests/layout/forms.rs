//! The form of source files: length, opening, and what tests and attributes must not do.

use crate::source::Source;
use crate::tree::File;

/// The longest source file, in lines.
const FILE_LINES_MAX: usize = 600;

/// A source file over its length.
pub(crate) fn too_long(file: &File) -> Vec<String> {
    let lines = file.text.lines().count();
    let source = [".rs", ".py"].iter().any(|end| file.path.ends_with(end));
    if !source || lines <= FILE_LINES_MAX {
        return Vec::new();
    }
    vec![format!(
        "{}: {lines} lines, {FILE_LINES_MAX} are the limit: split it",
        file.path
    )]
}

/// A `lib.rs` or `main.rs` that does not open with what the crate is.
pub(crate) fn without_opening(file: &File) -> Vec<String> {
    let root = ["src/lib.rs", "src/main.rs"]
        .iter()
        .any(|end| file.path.ends_with(end));
    let first = file.text.lines().next().unwrap_or("");
    let said = first
        .strip_prefix("//!")
        .is_some_and(|text| !text.trim().is_empty());
    if !root || said {
        return Vec::new();
    }
    vec![format!(
        "{}: open with a `//!` that says what the crate is",
        file.path
    )]
}

/// Tests that are switched off.
pub(crate) fn ignored(file: &File, source: &Source) -> Vec<String> {
    attributes_with(
        file,
        source,
        "ignore",
        "a test that does not run proves nothing",
    )
}

/// Lints that are allowed away instead of expected with a reason.
pub(crate) fn allowed(file: &File, source: &Source) -> Vec<String> {
    attributes_with(file, source, "allow", "use `expect` with a reason")
}

fn attributes_with(file: &File, source: &Source, word: &str, advice: &str) -> Vec<String> {
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    let carries = |body: &str| {
        body.split(|character| !is_word(character))
            .any(|part| part == word)
    };
    source
        .attributes()
        .into_iter()
        .filter(|(_, body)| carries(body))
        .map(|(line, _)| format!("{}:{line}: `{word}` attribute: {advice}", file.path))
        .collect()
}

/// Calls of a function named `sleep` in Rust tests.
pub(crate) fn sleeping(file: &File, source: &Source) -> Vec<String> {
    let from = if is_test_path(&file.path) {
        0
    } else {
        first_test_line(source)
    };
    let tests = source.lines().filter(|(line, _)| *line > from);
    tests
        .filter(|(_, code)| sleeps(code))
        .map(|(line, _)| {
            format!(
                "{}:{line}: wait for the event, not for time to pass",
                file.path
            )
        })
        .collect()
}

/// Calls of a function named `sleep` in Python tests; comments do not count. What plays clients and
/// faults may wait: faults last, and clients wait before they try again.
pub(crate) fn sleeping_python(file: &File) -> Vec<String> {
    let plays = PLAYERS.contains(&file.path.as_str());
    if !file.path.ends_with(".py") || !is_test_path(&file.path) || plays {
        return Vec::new();
    }
    let lines = file.text.lines().enumerate();
    lines
        .filter(|(_, line)| sleeps(line.split('#').next().unwrap_or("")))
        .map(|(index, _)| format!("{}:{}: wait for the event", file.path, index + 1))
        .collect()
}

const PLAYERS: [&str; 7] = [
    "tests/clients/outage.py",
    "tests/cluster/listeners.py",
    "tests/cluster/process.py",
    "tests/cluster/report.py",
    "tests/cluster/stage.py",
    "tests/cluster/traffic.py",
    "tests/cluster/writers.py",
];

fn sleeps(code: &str) -> bool {
    let named = |before: &str| before.ends_with("sleep") || before.ends_with("sleep_ms");
    code.split('(')
        .rev()
        .skip(1)
        .any(|before| named(before.trim_end()))
}

fn is_test_path(path: &str) -> bool {
    let folder = path
        .split('/')
        .any(|part| matches!(part, "tests" | "conformance"));
    folder || path.ends_with("tests.rs")
}

/// The line of the first `#[cfg(test)]` that opens a module in this file, else past the end.
fn first_test_line(source: &Source) -> usize {
    let lines: Vec<_> = source.lines().collect();
    let opens = |index: usize| {
        let next = lines.get(index + 1).map_or("", |(_, code)| *code);
        next.contains("mod ") && !next.contains(';')
    };
    let marked = lines
        .iter()
        .enumerate()
        .find(|(index, (_, code))| code.contains("#[cfg(test)]") && opens(*index));
    marked.map_or(usize::MAX, |(_, (line, _))| *line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> File {
        File {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }

    fn count(rule: fn(&File, &Source) -> Vec<String>, path: &str, text: &str) -> usize {
        rule(&file(path, text), &Source::parse(text)).len()
    }

    #[test]
    fn a_file_of_601_lines_fails() {
        let lines = |path: &str, count| too_long(&file(path, &"x\n".repeat(count))).len();
        assert_eq!(lines("src/a.rs", 600), 0);
        assert_eq!(lines("src/a.rs", 601), 1);
        assert_eq!(lines("tests/a.py", 601), 1);
        assert_eq!(lines("Cargo.lock", 9000), 0);
    }

    #[test]
    fn a_crate_without_an_opening_fails() {
        let offences = |path: &str, text: &str| without_opening(&file(path, text)).len();
        assert_eq!(offences("crates/x/src/lib.rs", "//! The hub.\nmod a;"), 0);
        assert_eq!(offences("crates/x/src/lib.rs", "mod a;"), 1);
        assert_eq!(offences("crates/x/src/main.rs", "//!\nmod a;"), 1);
        assert_eq!(offences("crates/x/src/a.rs", "mod b;"), 0);
    }

    #[test]
    fn an_ignored_test_fails() {
        assert_eq!(
            count(ignored, "src/a.rs", "#[test]\n#[ignore]\nfn f() {}"),
            1
        );
        assert_eq!(
            count(ignored, "src/a.rs", "#[ignore = \"slow\"]\nfn f() {}"),
            1
        );
        assert_eq!(
            count(ignored, "src/a.rs", "#[cfg_attr(ci, ignore)]\nfn f() {}"),
            1
        );
        assert_eq!(
            count(
                ignored,
                "src/a.rs",
                "// #[ignore]\nlet ignore = \"#[ignore]\";"
            ),
            0
        );
    }

    #[test]
    fn an_allowed_lint_fails() {
        assert_eq!(
            count(allowed, "src/a.rs", "#[allow(dead_code)]\nfn f() {}"),
            1
        );
        assert_eq!(count(allowed, "src/a.rs", "#![allow(dead_code)]"), 1);
        assert_eq!(
            count(
                allowed,
                "src/a.rs",
                "#[cfg_attr(x,\n  allow(dead_code))]\nfn f() {}"
            ),
            1
        );
        let expected = "#[expect(dead_code, reason = \"allow(x)\")]\nfn allow() { allow(1) }";
        assert_eq!(count(allowed, "src/a.rs", expected), 0);
    }

    #[test]
    fn a_sleeping_test_fails() {
        for text in ["thread::sleep(x);", "sleep (x).await;", "f(sleep(1));"] {
            assert_eq!(count(sleeping, "crates/x/tests/a.rs", text), 1, "{text}");
            assert_eq!(
                count(sleeping, "crates/x/src/a/tests.rs", text),
                1,
                "{text}"
            );
            assert_eq!(count(sleeping, "crates/x/src/a.rs", text), 0, "{text}");
        }
        let inline = "fn f() { sleep(1) }\n#[cfg(test)]\nmod tests {\n fn g() { sleep(1) }\n}";
        assert_eq!(count(sleeping, "crates/x/src/a.rs", inline), 1);
        let apart = "#[cfg(test)]\nmod tests;\nfn f() { sleep(1) }";
        assert_eq!(count(sleeping, "crates/x/src/a.rs", apart), 0);
        assert_eq!(
            count(sleeping, "crates/x/tests/a.rs", "// sleep(1)\nasleep;"),
            0
        );
    }

    #[test]
    fn a_sleeping_python_test_fails() {
        let offences = |path: &str, text: &str| sleeping_python(&file(path, text)).len();
        assert_eq!(offences("tests/clients/a.py", "time.sleep(1)"), 1);
        assert_eq!(offences("conformance/a.py", "await asyncio.sleep(1)"), 1);
        assert_eq!(
            offences("tests/clients/a.py", "x = 1  # no sleep(1) here"),
            0
        );
        assert_eq!(offences("examples/a.py", "time.sleep(1)"), 0);
    }
}
