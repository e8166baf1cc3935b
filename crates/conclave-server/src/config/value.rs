//! What a configuration key can hold: how it is read from a file or the environment, and how the
//! manual shows it.

use std::collections::BTreeMap;

use super::fault::{Fault, Place};
use super::scalar::Scalar;
use super::shown::{Shown, below};

/// A value as it was given.
#[derive(Clone, Copy)]
pub(crate) enum Input<'a> {
    /// By the environment: text, whose list items are separated by commas.
    Text(&'a str),
    /// By the configuration file.
    Toml(&'a toml::Value),
}

/// A value on its way to the key that `path` names below the present one.
#[derive(Clone, Copy)]
pub(crate) struct Setting<'a> {
    pub(crate) path: &'a [&'a str],
    pub(crate) input: Input<'a>,
}

/// What lies below a key, for the manual.
pub(crate) enum Inner {
    /// A list of tables, each with these keys.
    List(Vec<Entry>),
    /// A table whose keys the operator names; these are there by default.
    Map(Vec<(String, String)>),
    /// Nothing.
    Plain,
    /// A table with these keys.
    Table(Vec<Entry>),
}

/// One key, for the manual.
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    /// Lines of the field's doc comment.
    pub(crate) doc: &'static [&'static str],
    pub(crate) shape: String,
    /// The default as TOML; `None` where unset.
    pub(crate) text: Option<String>,
    pub(crate) inner: Inner,
}

/// What a configuration key can hold.
pub(crate) trait Value: Sized {
    /// What the manual calls the type.
    fn shape() -> String;

    /// A whole value; what is wrong goes to `faults`.
    fn read(input: Input<'_>, place: &Place, faults: &mut Vec<Fault>) -> Option<Self>;

    /// The value as TOML; `None` where unset or not to be shown.
    fn text(&self) -> Option<String>;

    /// Sets the value or, where the setting has a path, the part of it that the path names.
    fn assign(&mut self, setting: Setting<'_>, place: &Place, faults: &mut Vec<Fault>) {
        if let Some(key) = setting.path.first() {
            faults.push(place.key(key).unknown());
        } else if let Some(value) = Self::read(setting.input, place, faults) {
            *self = value;
        }
    }

    /// What lies below.
    fn inner(&self) -> Inner {
        Inner::Plain
    }

    /// Whether there is a value.
    fn is_set(&self) -> bool {
        true
    }

    /// Adds this value, which has that key, or everything below it.
    fn show(&self, key: &str, doc: &'static [&'static str], into: &mut Vec<Shown>) {
        let secret = Self::shape().contains("secret");
        into.push(Shown {
            key: key.to_owned(),
            doc,
            text: self.text().filter(|_| !secret),
            secret,
            set: self.is_set(),
        });
    }

    /// A table with its defaults, where lists of it can be written key by key.
    fn sample() -> Option<Self> {
        None
    }
}

impl<T: Scalar> Value for T {
    fn shape() -> String {
        <T as Scalar>::shape()
    }

    fn read(input: Input<'_>, place: &Place, faults: &mut Vec<Fault>) -> Option<Self> {
        let value = match input {
            Input::Text(text) => T::parse(text.trim()),
            Input::Toml(value) => T::from_toml(value),
        };
        if value.is_none() {
            faults.push(place.wrong(&T::given(input), &T::expected()));
        }
        value
    }

    fn text(&self) -> Option<String> {
        Scalar::text(self)
    }
}

impl<T: Value> Value for Option<T> {
    fn shape() -> String {
        T::shape()
    }

    fn read(input: Input<'_>, place: &Place, faults: &mut Vec<Fault>) -> Option<Self> {
        match input {
            Input::Text("") => Some(None),
            Input::Text(_) | Input::Toml(_) => T::read(input, place, faults).map(Some),
        }
    }

    fn text(&self) -> Option<String> {
        self.as_ref().and_then(Value::text)
    }

    fn is_set(&self) -> bool {
        self.is_some()
    }
}

impl<T: Value> Value for Vec<T> {
    fn shape() -> String {
        format!("list of {}", T::shape())
    }

    fn read(input: Input<'_>, place: &Place, faults: &mut Vec<Fault>) -> Option<Self> {
        let mut items = Self::new();
        match input {
            Input::Text(text) => {
                for (index, item) in text.split(',').filter(|item| !item.is_empty()).enumerate() {
                    items.extend(T::read(Input::Text(item), &place.index(index), faults));
                }
            }
            Input::Toml(toml::Value::Array(array)) => {
                for (index, item) in array.iter().enumerate() {
                    items.extend(T::read(Input::Toml(item), &place.index(index), faults));
                }
            }
            Input::Toml(_) => {
                faults.push(place.wrong("another type", &Self::shape()));
                return None;
            }
        }
        Some(items)
    }

    fn text(&self) -> Option<String> {
        let items: Vec<String> = self.iter().filter_map(Value::text).collect();
        Some(format!("[{}]", items.join(", ")))
    }

    fn assign(&mut self, setting: Setting<'_>, place: &Place, faults: &mut Vec<Fault>) {
        let Some((index, path)) = setting.path.split_first() else {
            if let Some(items) = Self::read(setting.input, place, faults) {
                *self = items;
            }
            return;
        };
        let setting = Setting { path, ..setting };
        let Ok(at) = index.parse::<usize>() else {
            faults.push(place.key(index).unknown());
            return;
        };
        let place = place.index(at);
        if at == self.len() {
            self.extend(T::sample());
        }
        match self.get_mut(at) {
            Some(item) if T::sample().is_some() => item.assign(setting, &place, faults),
            Some(_) | None => faults.push(place.unknown()),
        }
    }

    fn show(&self, key: &str, doc: &'static [&'static str], into: &mut Vec<Shown>) {
        if T::sample().is_none() || self.is_empty() {
            into.push(Shown {
                key: key.to_owned(),
                doc,
                text: self.text(),
                secret: Self::shape().contains("secret"),
                set: true,
            });
            return;
        }
        for (index, item) in self.iter().enumerate() {
            item.show(&format!("{key}[{index}]"), doc, into);
        }
    }

    fn inner(&self) -> Inner {
        match T::sample().map(|sample| sample.inner()) {
            Some(Inner::Table(entries)) => Inner::List(entries),
            Some(Inner::List(_) | Inner::Map(_) | Inner::Plain) | None => Inner::Plain,
        }
    }
}

/// Names the operator chooses; a name that is given replaces the default of that name only.
impl<T: Value> Value for BTreeMap<String, T> {
    fn shape() -> String {
        format!("table of {}", T::shape())
    }

    fn read(input: Input<'_>, place: &Place, faults: &mut Vec<Fault>) -> Option<Self> {
        let mut map = Self::new();
        map.assign(Setting { path: &[], input }, place, faults);
        Some(map)
    }

    fn text(&self) -> Option<String> {
        None
    }

    fn assign(&mut self, setting: Setting<'_>, place: &Place, faults: &mut Vec<Fault>) {
        for (key, setting) in setting.keys(place, faults) {
            let place = place.key(key);
            if let Some(deeper) = setting.path.first() {
                faults.push(place.key(deeper).unknown());
            } else if let Some(value) = T::read(setting.input, &place, faults) {
                self.insert(key.to_owned(), value);
            }
        }
    }

    fn show(&self, key: &str, doc: &'static [&'static str], into: &mut Vec<Shown>) {
        for (name, value) in self {
            value.show(&below(key, name), doc, into);
        }
    }

    fn inner(&self) -> Inner {
        Inner::Map(
            self.iter()
                .filter_map(|(key, value)| Some((key.clone(), value.text()?)))
                .collect(),
        )
    }
}

impl<'a> Setting<'a> {
    /// The settings of a table's keys; none, with a fault, where a table is expected and
    /// something else given.
    pub(crate) fn keys(self, place: &Place, faults: &mut Vec<Fault>) -> Vec<(&'a str, Self)> {
        if let Some((key, path)) = self.path.split_first() {
            return vec![(key, Setting { path, ..self })];
        }
        let Input::Toml(toml::Value::Table(table)) = self.input else {
            faults.push(place.wrong("another type", "a table"));
            return Vec::new();
        };
        table
            .iter()
            .map(|(key, value)| {
                (
                    key.as_str(),
                    Setting {
                        path: &[],
                        input: Input::Toml(value),
                    },
                )
            })
            .collect()
    }
}
