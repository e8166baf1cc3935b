//! YAML, and JSON as its subset, into a tree. What is nested or repeated beyond the limits is refused.

use std::borrow::Cow;
use std::collections::BTreeMap;

use granit_parser::{Event, Marker, Parser, ScalarStyle, Span, Tag, options};

use super::Limits;
use super::node::{Entry, Map, Node, Value};
use super::scalar::plain;
use crate::diagnostic::Place;

/// Why a file is no tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unreadable {
    pub(crate) place: Place,
    pub(crate) message: String,
}

/// A tree, and what was odd on the way.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) root: Node,
    /// Names that stood twice in one object; the first one counts.
    pub(crate) repeated: Vec<(Place, String)>,
}

/// Reads one file.
pub(crate) fn parse(text: &str, limits: &Limits) -> Result<Parsed, Unreadable> {
    if text.len() > limits.file_bytes_max {
        let message = format!(
            "the file has {} bytes, at most {} are read",
            text.len(),
            limits.file_bytes_max
        );
        return Err(unreadable(Place::START, message));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut tree = Tree {
        limits,
        open: Vec::new(),
        root: None,
        anchors: BTreeMap::new(),
        nodes: 0,
        repeated: Vec::new(),
    };
    for next in Parser::new_from_str_with_options(text, options! { emit_comments: false }) {
        let (event, span) = next.map_err(|error| {
            let message = format!("not YAML or JSON: {}", error.info());
            unreadable(place(error.marker()), message)
        })?;
        if tree.take(event, span)? == Progress::Finished {
            break;
        }
    }
    let Some(root) = tree.root else {
        return Err(unreadable(Place::START, "the file is empty"));
    };
    Ok(Parsed {
        root,
        repeated: tree.repeated,
    })
}

fn unreadable(place: Place, message: impl Into<String>) -> Unreadable {
    Unreadable {
        place,
        message: message.into(),
    }
}

fn place(marker: &Marker) -> Place {
    let bounded = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    Place {
        line: bounded(marker.line().max(1)),
        column: bounded(marker.col().saturating_add(1)),
    }
}

#[derive(PartialEq, Eq)]
enum Progress {
    More,
    Finished,
}

/// What is being read: the open lists and objects, outermost first.
struct Tree<'a> {
    limits: &'a Limits,
    open: Vec<Open>,
    root: Option<Node>,
    anchors: BTreeMap<usize, Anchored>,
    nodes: usize,
    repeated: Vec<(Place, String)>,
}

/// A value that can be repeated by an alias.
struct Anchored {
    node: Node,
    count: usize,
    depth: usize,
}

struct Open {
    place: Place,
    anchor: usize,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Map {
        map: Map,
        /// A name whose value comes next.
        name: Option<(String, Place)>,
        /// The values of merge keys, in their order.
        merged: Vec<Node>,
    },
}

impl Tree<'_> {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<Progress, Unreadable> {
        let at = place(&span.start);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.count(1, at)?;
                let value = scalar(text, style, tag.as_deref());
                self.finish(Node { place: at, value }, anchor)?;
            }
            Event::SequenceStart(_, anchor, _) => {
                self.enter(at, anchor, Content::List(Vec::new()))?;
            }
            Event::MappingStart(_, anchor, _) => {
                let content = Content::Map {
                    map: Map::default(),
                    name: None,
                    merged: Vec::new(),
                };
                self.enter(at, anchor, content)?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.leave()?,
            Event::Alias(id) => {
                let Some(anchored) = self.anchors.get(&id) else {
                    return Err(unreadable(at, "the alias stands inside of what it names"));
                };
                let (node, count, depth) = (anchored.node.clone(), anchored.count, anchored.depth);
                self.count(count, at)?;
                self.within_depth(self.open.len() + depth, at)?;
                self.finish(node, 0)?;
            }
            Event::DocumentEnd => return Ok(Progress::Finished),
            _ => {}
        }
        Ok(Progress::More)
    }

    fn enter(&mut self, place: Place, anchor: usize, content: Content) -> Result<(), Unreadable> {
        self.count(1, place)?;
        self.within_depth(self.open.len() + 1, place)?;
        self.open.push(Open {
            place,
            anchor,
            content,
        });
        Ok(())
    }

    fn leave(&mut self) -> Result<(), Unreadable> {
        let Some(open) = self.open.pop() else {
            return Err(unreadable(Place::START, "an end without a beginning"));
        };
        let value = match open.content {
            Content::List(items) => Value::List(items),
            Content::Map { map, merged, .. } => Value::Map(self.with_merged(map, merged)?),
        };
        let node = Node {
            place: open.place,
            value,
        };
        self.finish(node, open.anchor)
    }

    /// Adds what `<<` brings: names that the object has itself are kept, earlier ones win.
    fn with_merged(&mut self, mut map: Map, merged: Vec<Node>) -> Result<Map, Unreadable> {
        for node in merged {
            let place = node.place;
            let sources = match node.value {
                Value::Map(source) => vec![source],
                Value::List(items) => items.iter().filter_map(Node::map).cloned().collect(),
                _ => {
                    return Err(unreadable(
                        place,
                        "`<<` takes an object or a list of objects",
                    ));
                }
            };
            for source in sources {
                for entry in source.entries() {
                    map.insert(entry.clone());
                }
            }
        }
        Ok(map)
    }

    fn finish(&mut self, node: Node, anchor: usize) -> Result<(), Unreadable> {
        if anchor != 0 {
            let (count, depth) = (node.count(), node.depth());
            self.count(count, node.place)?;
            let anchored = Anchored {
                node: node.clone(),
                count,
                depth,
            };
            self.anchors.insert(anchor, anchored);
        }
        let Some(open) = self.open.last_mut() else {
            self.root.get_or_insert(node);
            return Ok(());
        };
        match &mut open.content {
            Content::List(items) => items.push(node),
            Content::Map { map, name, merged } => match name.take() {
                None => *name = Some((key(&node)?, node.place)),
                Some((key, _)) if key == "<<" => merged.push(node),
                Some((key, place)) => {
                    let entry = Entry {
                        name: key.clone(),
                        node,
                    };
                    if !map.insert(entry) {
                        self.repeated.push((place, key));
                    }
                }
            },
        }
        Ok(())
    }

    fn count(&mut self, more: usize, place: Place) -> Result<(), Unreadable> {
        self.nodes = self.nodes.saturating_add(more);
        if self.nodes <= self.limits.nodes_max {
            return Ok(());
        }
        let message = format!(
            "more than {} values once aliases are written out",
            self.limits.nodes_max
        );
        Err(unreadable(place, message))
    }

    fn within_depth(&self, depth: usize, place: Place) -> Result<(), Unreadable> {
        if depth <= self.limits.depth_max {
            return Ok(());
        }
        let message = format!("values nest deeper than {}", self.limits.depth_max);
        Err(unreadable(place, message))
    }
}

fn scalar(text: Cow<'_, str>, style: ScalarStyle, tag: Option<&Tag>) -> Value {
    let forced_text = tag.is_some_and(|tag| tag.suffix() == "str");
    if style == ScalarStyle::Plain && !forced_text {
        return plain(&text);
    }
    Value::Text(text.into_owned())
}

/// The name that a key gives; numbers and booleans name as they are written.
fn key(node: &Node) -> Result<String, Unreadable> {
    match &node.value {
        Value::Text(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.text.clone()),
        Value::Bool(value) => Ok(value.to_string()),
        Value::Null => Ok("null".to_owned()),
        Value::List(_) | Value::Map(_) => Err(unreadable(
            node.place,
            "a name must be a text, not a list or an object",
        )),
    }
}

#[cfg(test)]
mod tests;
