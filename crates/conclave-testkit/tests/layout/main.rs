//! The layout test: rules that review forgets, checked on every file of the repository.
//!
//! Each rule is a function from text to sentences, one per offence, so that its own tests can show on
//! a few lines that it fails where it must. This file only feeds the rules with the real tree.
//! Reading order: `tree` (which files), `source` (code, comments and strings apart), then the rules
//! `arrows`, `manifests`, `names`, `forms` and `texts`.

mod arrows;
mod forms;
mod manifests;
mod names;
mod source;
mod texts;
mod tree;

use source::Source;
use tree::{File, Manifest, Tree};

/// Why a test fails: all sentences at once, so that one run shows everything there is to mend.
struct Offences(String);

impl From<String> for Offences {
    fn from(text: String) -> Self {
        Self(text)
    }
}

/// What the test runner prints: the sentences on lines of their own.
impl std::fmt::Debug for Offences {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

type Verdict = Result<(), Offences>;

fn verdict(offences: &[String]) -> Verdict {
    if offences.is_empty() {
        return Ok(());
    }
    Err(Offences(format!(
        "{} to mend\n  {}",
        offences.len(),
        offences.join("\n  ")
    )))
}

fn each_rust_file(rule: impl Fn(&File, &Source) -> Vec<String>) -> Verdict {
    let tree = Tree::read()?;
    let rust = tree.files.iter().filter(|file| file.path.ends_with(".rs"));
    verdict(
        &rust
            .flat_map(|file| rule(file, &Source::parse(&file.text)))
            .collect::<Vec<_>>(),
    )
}

fn each_file(rule: impl Fn(&File) -> Vec<String>) -> Verdict {
    verdict(
        &Tree::read()?
            .files
            .iter()
            .flat_map(rule)
            .collect::<Vec<_>>(),
    )
}

fn each_manifest(rule: impl Fn(&Manifest) -> Vec<String>) -> Verdict {
    let manifests = Tree::read()?.manifests()?;
    if manifests.len() < arrows::DRAWN.len() {
        return Err(Offences(format!(
            "only {} manifests were found",
            manifests.len()
        )));
    }
    verdict(&manifests.iter().flat_map(rule).collect::<Vec<_>>())
}

#[test]
fn crates_import_only_along_drawn_arrows() -> Verdict {
    each_manifest(arrows::undrawn)
}

#[test]
fn libraries_import_no_sockets_files_or_randomness() -> Verdict {
    each_manifest(arrows::impure)
}

#[test]
fn every_crate_takes_the_lints_of_the_workspace() -> Verdict {
    each_manifest(manifests::without_lints)
}

#[test]
fn the_workspace_switches_the_lints_on() -> Verdict {
    let manifest = Tree::read()?.toml("Cargo.toml")?;
    verdict(&manifests::without_switches(&manifest))
}

#[test]
fn clippy_limits_functions_and_arguments() -> Verdict {
    let tree = Tree::read()?;
    let limits = tree.named("clippy.toml")?;
    if limits.is_empty() {
        return Err(Offences("there is no clippy.toml".to_owned()));
    }
    verdict(
        &limits
            .iter()
            .flat_map(manifests::without_limits)
            .collect::<Vec<_>>(),
    )
}

#[test]
fn files_stay_within_600_lines() -> Verdict {
    each_file(forms::too_long)
}

#[test]
fn files_and_modules_are_named_by_what_they_hold() -> Verdict {
    each_file(|file| names::of_path(&file.path))
}

#[test]
fn types_are_named_by_what_they_are() -> Verdict {
    each_rust_file(names::of_items)
}

#[test]
fn no_test_is_switched_off() -> Verdict {
    each_rust_file(forms::ignored)
}

#[test]
fn no_lint_is_allowed_away() -> Verdict {
    each_rust_file(forms::allowed)
}

#[test]
fn rust_tests_wait_for_events_not_for_time() -> Verdict {
    each_rust_file(forms::sleeping)
}

#[test]
fn python_tests_wait_for_events_not_for_time() -> Verdict {
    each_file(forms::sleeping_python)
}

#[test]
fn every_crate_says_what_it_is() -> Verdict {
    each_file(forms::without_opening)
}

#[test]
fn text_names_no_machine_and_no_registry() -> Verdict {
    each_file(texts::foreign)
}
