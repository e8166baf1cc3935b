//! From files to the model: follows references, and says what is not as it should be.

mod channels;
mod components;
mod follow;
mod layers;
mod messages;
mod operations;
mod root;
mod schemas;
mod security;
mod servers;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::{Diagnostic, Place, Severity};
use crate::model::{Document, Message, MessageId, Scheme, SchemeId};
use crate::source::{Cursor, Key, Limits, Loader, Sources};

/// Findings beyond this many are not kept.
const DIAGNOSTICS_MAX: usize = 500;

/// References that are followed in one document.
const HOPS_MAX: u32 = 300_000;

/// What came of reading: the document, unless it is no AsyncAPI document at all, and the findings in
/// the order of files and lines.
#[derive(Debug)]
pub struct Reading {
    /// The document, as far as it could be read.
    pub document: Option<Document>,
    /// What was found.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads the document at `path` and the files that it refers to.
///
/// Never panics and never fails: what cannot be read becomes a diagnostic.
#[must_use]
pub fn read(path: &str, loader: &dyn Loader, limits: &Limits) -> Reading {
    let sources = Sources::load(path, loader, limits);
    let reader = Reader::new(&sources);
    let document = reader.document();
    Reading {
        document,
        diagnostics: reader.finish(),
    }
}

/// Which generation of the specification a document follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Generation {
    Two,
    Three,
}

/// What reading needs on the way.
pub(crate) struct Reader<'a> {
    sources: &'a Sources,
    found: RefCell<BTreeSet<Diagnostic>>,
    schemas: RefCell<schemas::Pool<'a>>,
    messages: RefCell<Once<Message, MessageId>>,
    schemes: RefCell<Once<Scheme, SchemeId>>,
    hops_left: Cell<u32>,
}

/// Values that are read once, by where they stand.
pub(crate) struct Once<T, Id> {
    all: Vec<T>,
    by_key: BTreeMap<Key, Id>,
}

impl<T, Id: Copy> Once<T, Id> {
    fn new() -> Self {
        Self {
            all: Vec::new(),
            by_key: BTreeMap::new(),
        }
    }

    fn known(&self, key: &Key) -> Option<Id> {
        self.by_key.get(key).copied()
    }

    fn add(&mut self, key: Key, value: T, id: impl FnOnce(usize) -> Id) -> Id {
        let id = id(self.all.len());
        self.all.push(value);
        self.by_key.insert(key, id);
        id
    }
}

impl<'a> Reader<'a> {
    fn new(sources: &'a Sources) -> Self {
        Self {
            sources,
            found: RefCell::new(BTreeSet::new()),
            schemas: RefCell::new(schemas::Pool::default()),
            messages: RefCell::new(Once::new()),
            schemes: RefCell::new(Once::new()),
            hops_left: Cell::new(HOPS_MAX),
        }
    }

    fn finish(self) -> Vec<Diagnostic> {
        self.found.into_inner().into_iter().collect()
    }

    /// Whether another reference may be followed.
    fn take_hop(&self) -> bool {
        let left = self.hops_left.get();
        self.hops_left.set(left.saturating_sub(1));
        left > 0
    }

    fn find(&self, diagnostic: Diagnostic) {
        let mut found = self.found.borrow_mut();
        if found.len() < DIAGNOSTICS_MAX {
            found.insert(diagnostic);
        }
    }

    /// Notes that the value at `cursor` is not valid.
    pub(crate) fn error(&self, cursor: &Cursor<'_>, message: impl Into<String>) {
        self.note(cursor, Severity::Error, message.into());
    }

    /// Notes that the value at `cursor` is odd.
    pub(crate) fn warning(&self, cursor: &Cursor<'_>, message: impl Into<String>) {
        self.note(cursor, Severity::Warning, message.into());
    }

    fn note(&self, cursor: &Cursor<'_>, severity: Severity, message: String) {
        self.find(Diagnostic {
            file: cursor.file().to_string(),
            place: cursor.node.place,
            pointer: cursor.pointer().to_owned(),
            severity,
            message,
        });
    }

    fn note_file(&self, file: &str, place: Place, severity: Severity, message: String) {
        self.find(Diagnostic {
            file: file.to_owned(),
            place,
            pointer: String::new(),
            severity,
            message,
        });
    }
}

#[cfg(test)]
mod tests;
