//! A value of a YAML or JSON file.

use std::collections::BTreeMap;

use crate::diagnostic::Place;

/// A value and where it begins.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) value: Value,
}

/// What a value is.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    Map(Map),
}

/// A number and how it was written, since `version: 1.10` means text.
#[derive(Debug, Clone, PartialEq)]
pub struct Number {
    /// The number.
    pub value: serde_json::Number,
    /// As it stands in the file.
    pub text: String,
}

/// Entries in the order of the file, found by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Map {
    entries: Vec<Entry>,
    by_name: BTreeMap<String, usize>,
}

/// A name and its value.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) node: Node,
}

impl Map {
    pub(crate) fn get(&self, name: &str) -> Option<&Node> {
        let index = *self.by_name.get(name)?;
        self.entries.get(index).map(|entry| &entry.node)
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Whether the name was free; a taken one keeps its value.
    pub(crate) fn insert(&mut self, entry: Entry) -> bool {
        if self.by_name.contains_key(&entry.name) {
            return false;
        }
        self.by_name.insert(entry.name.clone(), self.entries.len());
        self.entries.push(entry);
        true
    }
}

impl Node {
    pub(crate) fn map(&self) -> Option<&Map> {
        match &self.value {
            Value::Map(map) => Some(map),
            _ => None,
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// What the value is called in a diagnostic.
    pub(crate) fn kind(&self) -> &'static str {
        match &self.value {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::Text(_) => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "an object",
        }
    }

    /// How many values these are, this one included.
    pub(crate) fn count(&self) -> usize {
        match &self.value {
            Value::List(items) => 1 + items.iter().map(Self::count).sum::<usize>(),
            Value::Map(map) => {
                1 + map
                    .entries
                    .iter()
                    .map(|entry| entry.node.count())
                    .sum::<usize>()
            }
            _ => 1,
        }
    }

    /// How deep the values nest; 1 for a scalar.
    pub(crate) fn depth(&self) -> usize {
        let deepest = match &self.value {
            Value::List(items) => items.iter().map(Self::depth).max(),
            Value::Map(map) => map.entries.iter().map(|entry| entry.node.depth()).max(),
            _ => None,
        };
        1 + deepest.unwrap_or(0)
    }

    /// The same value without places.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value) => (*value).into(),
            Value::Number(number) => number.value.clone().into(),
            Value::Text(text) => text.clone().into(),
            Value::List(items) => items.iter().map(Self::to_json).collect(),
            Value::Map(map) => {
                let entries = map.entries.iter();
                let pairs = entries.map(|entry| (entry.name.clone(), entry.node.to_json()));
                serde_json::Value::Object(pairs.collect())
            }
        }
    }
}
