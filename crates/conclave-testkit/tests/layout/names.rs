//! Names that say nothing, and therefore attract everything.

use crate::source::Source;
use crate::tree::File;

/// Words that no file, folder, module or type carries as a part of its name.
const EMPTY_WORDS: &[&str] = &[
    "manager", "managers", "helper", "helpers", "util", "utils", "common", "misc",
];

/// Names that a module may not have as a whole.
const EMPTY_MODULES: &[&str] = &["types"];

/// Names that documents gave to what their clients import.
const GIVEN_MODULES: &[&str] = &["jwt_utils"];

/// The empty words in the path of a file.
pub(crate) fn of_path(path: &str) -> Vec<String> {
    let parts = path
        .split('/')
        .map(|part| part.split('.').find(|stem| !stem.is_empty()));
    let empty = parts.flatten().filter(|stem| is_empty_module(stem));
    empty
        .map(|stem| format!("{path}: `{stem}` does not say what it holds"))
        .collect()
}

/// The empty words in the names of types, traits and modules that a file declares.
pub(crate) fn of_items(file: &File, source: &Source) -> Vec<String> {
    let mut offences = Vec::new();
    for (line, code) in source.lines() {
        let words: Vec<&str> = code
            .split(|character: char| !character.is_alphanumeric() && character != '_')
            .filter(|word| !word.is_empty())
            .collect();
        for pair in words.windows(2) {
            let [keyword, name] = pair else { continue };
            let empty = match *keyword {
                "struct" | "enum" | "trait" | "type" | "union" => has_empty_word(&snake(name)),
                "mod" => is_empty_module(name),
                _ => false,
            };
            if empty {
                let path = &file.path;
                offences.push(format!("{path}:{line}: `{name}` does not say what it is"));
            }
        }
    }
    offences
}

fn is_empty_module(name: &str) -> bool {
    let is_empty = EMPTY_MODULES.contains(&name) || has_empty_word(&snake(name));
    is_empty && !GIVEN_MODULES.contains(&name)
}

fn has_empty_word(snake: &str) -> bool {
    snake
        .split(['_', '-'])
        .any(|word| EMPTY_WORDS.contains(&word))
}

/// `SessionManager` and `session-manager` become `session_manager`, `JWTManager` `jwt_manager`.
fn snake(name: &str) -> String {
    let mut snake = String::new();
    let mut before = '_';
    let mut rest = name.chars().peekable();
    while let Some(character) = rest.next() {
        let after_lower = before.is_lowercase() || before.is_numeric();
        let before_lower = before.is_uppercase() && rest.peek().is_some_and(|c| c.is_lowercase());
        if character.is_uppercase() && (after_lower || before_lower) {
            snake.push('_');
        }
        before = character;
        snake.extend(character.to_lowercase());
    }
    snake.replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(text: &str) -> usize {
        let file = File {
            path: "src/x.rs".to_owned(),
            text: text.to_owned(),
        };
        of_items(&file, &Source::parse(text)).len()
    }

    #[test]
    fn an_empty_file_or_folder_name_fails() {
        for path in [
            "src/utils.rs",
            "src/common/mod.rs",
            "src/session_manager.rs",
            "clients/js/test-helpers.ts",
            "src/types.rs",
            "src/ConnectionManager.java",
            "tests/misc.py",
        ] {
            assert_eq!(of_path(path).len(), 1, "{path}");
        }
    }

    #[test]
    fn a_name_that_only_contains_such_letters_passes() {
        for path in [
            "src/commonality.rs",
            "src/media_types.rs",
            ".ci/run",
            "tests/seeds/jwt_utils.js",
            "src/utility.rs",
        ] {
            assert_eq!(of_path(path), Vec::<String>::new());
        }
    }

    #[test]
    fn an_empty_type_or_module_name_fails() {
        for text in [
            "pub(crate) struct SessionManager;",
            "enum HelperKind {}",
            "trait Util {}",
            "type MiscMap = ();",
            "mod common;",
            "pub mod types {}",
            "struct JWTManager<T>(T);",
        ] {
            assert_eq!(items(text), 1, "{text}");
        }
    }

    #[test]
    fn a_word_in_a_sentence_or_a_string_passes() {
        assert_eq!(
            items("/// struct Manager\nlet x = \"mod utils\"; // enum Helper"),
            0
        );
        assert_eq!(items("struct Stats { websocket_manager: u32 }"), 0);
        assert_eq!(items("struct Utility; mod media_types;"), 0);
    }
}
