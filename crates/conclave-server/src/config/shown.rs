//! The configuration as it is, for who may see it: where each key's value came from, and never a
//! secret.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::Config;
use super::value::Value;

/// One key.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    /// Such as `limits.message_bytes` or `auth.issuers[0].name`.
    pub(crate) key: String,
    /// Lines of the field's doc comment.
    pub(crate) doc: &'static [&'static str],
    /// As TOML; `None` where unset, or a secret.
    pub(crate) text: Option<String>,
    /// Whether it is one that is never shown.
    pub(crate) secret: bool,
    /// Whether it has a value.
    pub(crate) set: bool,
}

/// Where a key that is not at its default was set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// By a variable of this name.
    Environment(String),
    /// In the file.
    File,
    /// By a flag.
    Flag,
}

/// What the sources said, beside the values.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources {
    /// The file that was read.
    pub(crate) file: Option<PathBuf>,
    set: BTreeMap<String, Source>,
}

impl Sources {
    /// Who set a key last; `None` for defaults.
    pub(crate) fn of(&self, key: &str) -> Option<&Source> {
        self.set.get(key)
    }

    /// Notes who set a key.
    pub(super) fn note(&mut self, key: String, source: Source) {
        self.set.insert(key, source);
    }

    /// Notes every key of a file's table.
    pub(super) fn note_table(&mut self, above: &str, table: &toml::Table) {
        for (name, value) in table {
            let key = below(above, name);
            match value {
                toml::Value::Table(table) => self.note_table(&key, table),
                toml::Value::Array(items) if items.iter().any(toml::Value::is_table) => {
                    for (index, item) in items.iter().enumerate() {
                        if let toml::Value::Table(table) = item {
                            self.note_table(&format!("{key}[{index}]"), table);
                        }
                    }
                }
                _ => self.note(key, Source::File),
            }
        }
    }

    /// Notes a variable that sets the key of these parts, and that it puts another out of force.
    pub(super) fn note_variable(&mut self, parts: &[&str], name: &str) {
        let mut key = String::new();
        for part in parts {
            match part.parse::<usize>() {
                Ok(index) if !key.is_empty() => key = format!("{key}[{index}]"),
                Ok(_) | Err(_) => key = below(&key, part),
            }
        }
        let other = key
            .strip_suffix("_file")
            .map_or_else(|| format!("{key}_file"), str::to_owned);
        if key.ends_with("secret") || key.ends_with("secret_file") {
            self.set.remove(&other);
        }
        self.note(key, Source::Environment(name.to_owned()));
    }
}

/// Every key of a configuration.
pub(crate) fn shown(config: &Config) -> Vec<Shown> {
    let mut all = Vec::new();
    config.show("", &[], &mut all);
    all
}

/// The name of a key below another.
pub(super) fn below(above: &str, name: &str) -> String {
    if above.is_empty() {
        name.to_owned()
    } else {
        format!("{above}.{name}")
    }
}
