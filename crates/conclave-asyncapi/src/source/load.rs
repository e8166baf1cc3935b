//! The files of a document: its own, and those that its references name.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::cursor::Cursor;
use super::node::{Node, Value};
use super::path::join;
use super::{Limits, yaml};
use crate::diagnostic::Place;

/// Gives the text of a file. Paths are relative to one folder, with `/`, and never leave it.
pub trait Loader {
    /// The file's text.
    ///
    /// # Errors
    /// A sentence that says why there is none.
    fn load(&self, path: &str) -> Result<String, LoadError>;
}

/// Why a file has no text, as a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadError(pub String);

impl fmt::Display for LoadError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for LoadError {}

/// Files held in memory, by path.
#[derive(Debug, Clone, Default)]
pub struct MemoryLoader {
    files: BTreeMap<String, String>,
}

impl MemoryLoader {
    /// With these files.
    pub fn new<P: Into<String>, T: Into<String>>(files: impl IntoIterator<Item = (P, T)>) -> Self {
        let files = files.into_iter();
        Self {
            files: files
                .map(|(path, text)| (path.into(), text.into()))
                .collect(),
        }
    }
}

impl Loader for MemoryLoader {
    fn load(&self, path: &str) -> Result<String, LoadError> {
        let text = self.files.get(path).cloned();
        text.ok_or_else(|| LoadError(format!("there is no file `{path}`")))
    }
}

/// The files below one folder; a symbolic link that leads out of it is refused.
#[derive(Debug, Clone)]
pub struct FolderLoader {
    folder: PathBuf,
    file_bytes_max: u64,
}

impl FolderLoader {
    /// Reads below `folder`, files of at most `limits.file_bytes_max`.
    ///
    /// # Errors
    /// If there is no such folder.
    pub fn new(folder: &Path, limits: &Limits) -> Result<Self, LoadError> {
        let folder = folder.canonicalize().map_err(|error| {
            LoadError(format!(
                "the folder `{}` cannot be read: {error}",
                folder.display()
            ))
        })?;
        Ok(Self {
            folder,
            file_bytes_max: u64::try_from(limits.file_bytes_max).unwrap_or(u64::MAX),
        })
    }
}

impl Loader for FolderLoader {
    fn load(&self, path: &str) -> Result<String, LoadError> {
        let unread = |error| LoadError(format!("the file `{path}` cannot be read: {error}"));
        let real = self.folder.join(path).canonicalize().map_err(unread)?;
        if !real.starts_with(&self.folder) {
            return Err(LoadError(format!(
                "`{path}` leads out of the document's folder"
            )));
        }
        let bytes = real.metadata().map_err(unread)?;
        if !bytes.is_file() || bytes.len() > self.file_bytes_max {
            let max = self.file_bytes_max;
            return Err(LoadError(format!(
                "`{path}` is no file of at most {max} bytes"
            )));
        }
        std::fs::read_to_string(&real).map_err(unread)
    }
}

/// A file that was asked for: its tree, or why there is none.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) path: Rc<str>,
    pub(crate) root: Result<Node, yaml::Unreadable>,
    pub(crate) repeated: Vec<(Place, String)>,
}

/// Every file that references name, the document's own first.
#[derive(Debug)]
pub(crate) struct Sources {
    files: Vec<Loaded>,
    by_path: BTreeMap<Rc<str>, usize>,
}

impl Sources {
    /// Loads a document and, breadth first, what its references name.
    pub(crate) fn load(path: &str, loader: &dyn Loader, limits: &Limits) -> Self {
        let mut sources = Self {
            files: Vec::new(),
            by_path: BTreeMap::new(),
        };
        let mut waiting = VecDeque::from([path.to_owned()]);
        while let Some(path) = waiting.pop_front() {
            if sources.by_path.contains_key(path.as_str())
                || sources.files.len() >= limits.files_max
            {
                continue;
            }
            let loaded = load_one(&path, loader, limits);
            if let Ok(root) = &loaded.root {
                gather(root, &path, &mut waiting);
            }
            let index = sources.files.len();
            sources.by_path.insert(Rc::clone(&loaded.path), index);
            sources.files.push(loaded);
        }
        sources
    }

    /// The document's own file.
    pub(crate) fn main(&self) -> Option<&Loaded> {
        self.files.first()
    }

    pub(crate) fn files(&self) -> &[Loaded] {
        &self.files
    }

    pub(crate) fn file(&self, path: &str) -> Option<&Loaded> {
        self.files.get(*self.by_path.get(path)?)
    }

    /// The root of a file, if it could be read.
    pub(crate) fn root(&self, path: &str) -> Option<Cursor<'_>> {
        let loaded = self.file(path)?;
        let root = loaded.root.as_ref().ok()?;
        Some(Cursor::root(Rc::clone(&loaded.path), root))
    }
}

fn load_one(path: &str, loader: &dyn Loader, limits: &Limits) -> Loaded {
    let parsed = loader
        .load(path)
        .map_err(|error| yaml::Unreadable {
            place: Place::START,
            message: error.0,
        })
        .and_then(|text| yaml::parse(&text, limits));
    let path = Rc::from(path);
    match parsed {
        Ok(parsed) => Loaded {
            path,
            root: Ok(parsed.root),
            repeated: parsed.repeated,
        },
        Err(unreadable) => Loaded {
            path,
            root: Err(unreadable),
            repeated: Vec::new(),
        },
    }
}

/// The files that the references below `node` name.
fn gather(node: &Node, from: &str, waiting: &mut VecDeque<String>) {
    match &node.value {
        Value::List(items) => items.iter().for_each(|item| gather(item, from, waiting)),
        Value::Map(map) => {
            for entry in map.entries() {
                match entry.node.text() {
                    Some(reference) if entry.name == "$ref" => {
                        waiting.extend(file_of(reference).and_then(|file| join(from, file)));
                    }
                    _ => gather(&entry.node, from, waiting),
                }
            }
        }
        _ => {}
    }
}

/// The file that a reference names, unless it means its own or a network address.
pub(crate) fn file_of(reference: &str) -> Option<&str> {
    let file = reference
        .split_once('#')
        .map_or(reference, |(file, _)| file);
    (!file.is_empty() && !is_remote(file)).then_some(file)
}

/// Whether a reference names something by a scheme (`https:`), which is never fetched.
pub(crate) fn is_remote(file: &str) -> bool {
    let Some((scheme, _)) = file.split_once(':') else {
        return file.starts_with("//");
    };
    scheme.len() > 1
        && scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
}
