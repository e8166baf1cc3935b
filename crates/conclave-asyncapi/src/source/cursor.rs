//! A value together with where it stands: file, pointer and place.

use std::fmt::Write;
use std::rc::Rc;

use super::node::{Node, Value};
use crate::diagnostic::Place;

/// Where a value stands, once references are followed. Two values are one if this is equal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// The file's path.
    pub file: Rc<str>,
    /// The JSON pointer in it.
    pub pointer: String,
    /// Line and column.
    pub place: Place,
}

/// What makes a value one and the same: its file and pointer.
pub(crate) type Key = (Rc<str>, Rc<str>);

/// A value that is being read.
#[derive(Debug, Clone)]
pub(crate) struct Cursor<'a> {
    file: Rc<str>,
    pointer: Rc<str>,
    pub(crate) node: &'a Node,
}

impl<'a> Cursor<'a> {
    pub(crate) fn root(file: Rc<str>, node: &'a Node) -> Self {
        Self {
            file,
            pointer: Rc::from(""),
            node,
        }
    }

    pub(crate) fn file(&self) -> &Rc<str> {
        &self.file
    }

    pub(crate) fn pointer(&self) -> &str {
        &self.pointer
    }

    pub(crate) fn key(&self) -> Key {
        (Rc::clone(&self.file), Rc::clone(&self.pointer))
    }

    pub(crate) fn location(&self) -> Location {
        Location {
            file: Rc::clone(&self.file),
            pointer: self.pointer.to_string(),
            place: self.node.place,
        }
    }

    fn below(&self, name: &str, node: &'a Node) -> Self {
        let mut pointer = String::with_capacity(self.pointer.len() + name.len() + 1);
        pointer.push_str(&self.pointer);
        pointer.push('/');
        for character in name.chars() {
            match character {
                '~' => pointer.push_str("~0"),
                '/' => pointer.push_str("~1"),
                _ => pointer.push(character),
            }
        }
        Self {
            file: Rc::clone(&self.file),
            pointer: pointer.into(),
            node,
        }
    }

    /// The value under a name, or at an index of a list.
    pub(crate) fn get(&self, name: &str) -> Option<Self> {
        match &self.node.value {
            Value::Map(map) => map.get(name).map(|node| self.below(name, node)),
            Value::List(items) => {
                let node = items.get(name.parse::<usize>().ok()?)?;
                Some(self.below(name, node))
            }
            _ => None,
        }
    }

    /// Names and values of an object, in the order of the file; none of anything else.
    pub(crate) fn entries(&self) -> Vec<(&'a str, Self)> {
        let entries = self.node.map().map(super::Map::entries).unwrap_or_default();
        let with_cursor = |entry: &'a super::Entry| {
            let name = entry.name.as_str();
            (name, self.below(name, &entry.node))
        };
        entries.iter().map(with_cursor).collect()
    }

    /// The values of a list; none of anything else.
    pub(crate) fn items(&self) -> Vec<Self> {
        let Value::List(items) = &self.node.value else {
            return Vec::new();
        };
        let mut index = String::new();
        let with_cursor = |(position, node)| {
            index.clear();
            // A `String` takes every write.
            let _written = write!(index, "{position}");
            self.below(&index, node)
        };
        items.iter().enumerate().map(with_cursor).collect()
    }

    pub(crate) fn text(&self) -> Option<&'a str> {
        self.node.text()
    }

    /// The last part of the pointer, as it was named.
    pub(crate) fn last_name(&self) -> String {
        let last = self.pointer.rsplit_once('/').map_or("", |(_, last)| last);
        unescaped(last)
    }
}

/// A part of a JSON pointer as the name that it means.
pub(crate) fn unescaped(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}
