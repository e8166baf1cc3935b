//! What must stand in manifests for the lints to hold.

use crate::tree::Manifest;

/// The lints that rules of this project rest on, as (group, lint).
const SWITCHES: &[(&str, &str)] = &[
    ("clippy", "allow_attributes"),
    ("clippy", "too_many_arguments"),
    ("clippy", "too_many_lines"),
    ("rust", "missing_docs"),
    ("rust", "unsafe_code"),
];

/// The longest function, in lines of code, and the most arguments of one.
const LIMITS: &[(&str, i64)] = &[
    ("too-many-arguments-threshold", 5),
    ("too-many-lines-threshold", 60),
];

/// A crate that does not take the lints of the workspace.
pub(crate) fn without_lints(manifest: &Manifest) -> Vec<String> {
    let lints = manifest
        .toml
        .get("lints")
        .and_then(|lints| lints.get("workspace"));
    if lints.and_then(toml::Value::as_bool) == Some(true) {
        return Vec::new();
    }
    vec![format!(
        "{}: write `[lints] workspace = true`",
        manifest.path
    )]
}

/// Lints that the workspace does not switch on.
pub(crate) fn without_switches(workspace: &Manifest) -> Vec<String> {
    let lints = |group: &str| {
        let tables = workspace.toml.get("workspace")?.get("lints")?;
        tables.get(group).and_then(toml::Value::as_table)
    };
    let on = |(group, lint): &(&str, &str)| {
        let level = lints(group).and_then(|lints| lints.get(*lint));
        matches!(
            level.and_then(toml::Value::as_str),
            Some("warn" | "deny" | "forbid")
        )
    };
    let off = SWITCHES.iter().filter(|switch| !on(switch));
    off.map(|(group, lint)| format!("{}: switch on {group} `{lint}`", workspace.path))
        .collect()
}

/// A `clippy.toml` without the agreed limits; that of a crate replaces the workspace's as a whole.
pub(crate) fn without_limits(clippy: &Manifest) -> Vec<String> {
    let kept = |(key, limit): &(&str, i64)| {
        clippy.toml.get(*key).and_then(toml::Value::as_integer) == Some(*limit)
    };
    let missing = LIMITS.iter().filter(|limit| !kept(limit));
    missing
        .map(|(key, limit)| format!("{}: `{key}` must be {limit}", clippy.path))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINTS: &str = "[workspace.lints.rust]\nunsafe_code = 'forbid'\nmissing_docs = 'warn'\n\
        [workspace.lints.clippy]\ntoo_many_lines = 'warn'\ntoo_many_arguments = 'warn'\n\
        allow_attributes = 'warn'";

    fn switches(text: &str) -> usize {
        without_switches(&Manifest::parse("Cargo.toml", text).unwrap()).len()
    }

    fn limits(text: &str) -> usize {
        without_limits(&Manifest::parse("clippy.toml", text).unwrap()).len()
    }

    #[test]
    fn a_crate_without_the_lints_fails() {
        let offences =
            |text: &str| without_lints(&Manifest::parse("Cargo.toml", text).unwrap()).len();
        assert_eq!(offences("[lints]\nworkspace = true"), 0);
        assert_eq!(offences("[lints]\nworkspace = false"), 1);
        assert_eq!(offences("[lints.rust]\nunsafe_code = 'allow'"), 1);
        assert_eq!(offences("[package]\nname = 'x'"), 1);
    }

    #[test]
    fn a_lint_switched_off_fails() {
        assert_eq!(switches(LINTS), 0);
        assert_eq!(switches(&LINTS.replace("too_many_lines = 'warn'", "")), 1);
        assert_eq!(switches(&LINTS.replace("'forbid'", "'allow'")), 1);
        assert_eq!(switches(""), SWITCHES.len());
    }

    #[test]
    fn a_missing_or_weaker_limit_fails() {
        let agreed = "too-many-lines-threshold = 60\ntoo-many-arguments-threshold = 5";
        assert_eq!(limits(agreed), 0);
        assert_eq!(limits(&agreed.replace("60", "100")), 1);
        assert_eq!(limits("max-struct-bools = 2"), 2);
    }
}
