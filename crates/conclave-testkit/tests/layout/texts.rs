//! Text that holds only on one machine: absolute paths and hosts of package registries.

use crate::tree::File;

/// First parts of absolute paths that belong to somebody's machine.
const MACHINE_FOLDERS: &[&str] = &["Users", "farm", "home", "root", "work"];

/// Hosts of package registries, as (first label, second label).
const REGISTRY_HOSTS: &[(&str, &str)] = &[
    ("deb", "debian"),
    ("files", "pythonhosted"),
    ("index", "crates"),
    ("proxy", "golang"),
    ("registry", "npmjs"),
    ("static", "crates"),
];

/// The lines of a file that name a machine's folder or a registry's host. Lock files name registries
/// by nature and are left out.
pub(crate) fn foreign(file: &File) -> Vec<String> {
    if file.path.ends_with(".lock") {
        return Vec::new();
    }
    let folders = MACHINE_FOLDERS.iter().map(|folder| format!("/{folder}/"));
    let hosts = REGISTRY_HOSTS
        .iter()
        .map(|(first, second)| format!("{first}.{second}."));
    let words: Vec<String> = folders.chain(hosts).collect();
    let mut offences = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        for word in words.iter().filter(|word| stands_alone(line, word)) {
            offences.push(format!("{}:{}: names `{word}`", file.path, index + 1));
        }
    }
    offences
}

/// Whether `word` occurs in `line` other than as part of a longer path or host.
fn stands_alone(line: &str, word: &str) -> bool {
    let follows_a_name = |at: usize| {
        let before = line.get(..at).and_then(|before| before.chars().next_back());
        before.is_some_and(|before| before.is_alphanumeric() || "_.-}".contains(before))
    };
    line.match_indices(word).any(|(at, _)| !follows_a_name(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: usize) {
        let file = File {
            path: "README.md".to_owned(),
            text: format!("first\n{line}\n"),
        };
        assert_eq!(foreign(&file).len(), expected, "{line}");
    }

    #[test]
    fn a_path_of_one_machine_fails() {
        for folder in MACHINE_FOLDERS {
            check(&format!("cd /{folder}/somebody"), 1);
            check(&format!("path = \"/{folder}/x\""), 1);
        }
    }

    #[test]
    fn a_registry_host_fails() {
        for (first, second) in REGISTRY_HOSTS {
            check(&format!("https://{first}.{second}.example/x"), 1);
        }
    }

    #[test]
    fn a_relative_path_or_a_word_passes() {
        for folder in MACHINE_FOLDERS {
            check(&format!("tests/{folder}/x and ./{folder}/y"), 0);
        }
        check("the root / the work", 0);
        check("https://docs.rs/x", 0);
    }

    #[test]
    fn a_lock_file_may_name_its_registry() {
        let text = format!("source = \"{}.{}.io\"", "index", "crates");
        let file = File {
            path: "Cargo.lock".to_owned(),
            text,
        };
        assert!(foreign(&file).is_empty());
    }
}
