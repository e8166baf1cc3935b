mod manual;
mod rules;
mod secrets;
mod sources;
mod store;
mod webhooks;

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::*;

const SECRET: &str = "Vt3f0Jq8yXnE5cWmKz7uLr2bGh9dPaSo";

fn environment(variables: &[(&str, &str)]) -> Vec<(String, String)> {
    variables
        .iter()
        .map(|&(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn launch(file: &Path) -> Launch {
    let flags = Flags {
        data_dir: file.parent().map(Path::to_owned),
        ..Flags::default()
    };
    Launch {
        config_file: Some(file.to_owned()),
        flags,
        profile: Profile::default(),
    }
}

fn loaded(text: &str, variables: &[(&str, &str)], profile: Profile) -> Result<Setup, Faults> {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("conclave.toml");
    fs::write(&file, text).unwrap();
    load(
        &Launch {
            profile,
            ..launch(&file)
        },
        environment(variables),
    )
}

/// The faults, each without the file's name, which is another one each time.
fn faults(text: &str, variables: &[(&str, &str)], profile: Profile) -> Vec<String> {
    let Err(Faults(faults)) = loaded(text, variables, profile) else {
        return Vec::new();
    };
    faults
        .iter()
        .map(|fault| {
            let text = fault.to_string();
            text.split_once("conclave.toml: ")
                .map_or(text.clone(), |(_, rest)| rest.to_owned())
        })
        .collect()
}

#[track_caller]
fn check(text: &str, variables: &[(&str, &str)], expected: &[&str]) {
    assert_eq!(faults(text, variables, Profile::default()), expected);
}

const DEV: Profile = Profile {
    dev: true,
    conformance: false,
};
