//! The macros that make a section of the configuration: one definition gives the struct, its
//! defaults, the reading of its keys and its page of the manual.

/// A table of the configuration. `pub field: Type = default,` with a doc comment each; the doc
/// comment is the manual's text.
macro_rules! section {
    (
        $(#[doc = $doc:literal])*
        pub struct $name:ident {
            $( $(#[doc = $field_doc:literal])+ pub $field:ident: $type:ty = $default:expr, )*
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name {
            $( $(#[doc = $field_doc])+ pub $field: $type, )*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $( $field: $default, )* }
            }
        }

        impl $crate::config::value::Value for $name {
            fn shape() -> String {
                "a table".to_owned()
            }

            fn read(
                input: $crate::config::value::Input<'_>,
                place: &$crate::config::fault::Place,
                faults: &mut Vec<$crate::config::Fault>,
            ) -> Option<Self> {
                let mut section = Self::default();
                let setting = $crate::config::value::Setting { path: &[], input };
                $crate::config::value::Value::assign(&mut section, setting, place, faults);
                Some(section)
            }

            fn text(&self) -> Option<String> {
                None
            }

            fn assign(
                &mut self,
                setting: $crate::config::value::Setting<'_>,
                place: &$crate::config::fault::Place,
                faults: &mut Vec<$crate::config::Fault>,
            ) {
                for (key, setting) in setting.keys(place, faults) {
                    let place = place.key(key);
                    match key {
                        $( stringify!($field) => $crate::config::value::Value::assign(
                            &mut self.$field, setting, &place, faults,
                        ), )*
                        _ => faults.push(place.unknown()),
                    }
                }
            }

            fn inner(&self) -> $crate::config::value::Inner {
                $crate::config::value::Inner::Table(vec![ $( $crate::config::value::Entry {
                    name: stringify!($field),
                    doc: &[$($field_doc),+],
                    shape: <$type as $crate::config::value::Value>::shape(),
                    text: $crate::config::value::Value::text(&self.$field),
                    inner: $crate::config::value::Value::inner(&self.$field),
                }, )* ])
            }

            fn show(
                &self,
                key: &str,
                _: &'static [&'static str],
                into: &mut Vec<$crate::config::shown::Shown>,
            ) {
                $(
                    let below = $crate::config::shown::below(key, stringify!($field));
                    let doc: &[&str] = &[$($field_doc),+];
                    $crate::config::value::Value::show(&self.$field, &below, doc, into);
                )*
            }

            fn sample() -> Option<Self> {
                Some(Self::default())
            }
        }
    };
}

/// A closed set of words; each variant with a doc comment and the word that stands for it.
macro_rules! choice {
    (
        $(#[doc = $doc:literal])*
        pub enum $name:ident {
            $( $(#[doc = $variant_doc:literal])+ $variant:ident = $word:literal, )*
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $( $(#[doc = $variant_doc])+ $variant, )*
        }

        impl $name {
            /// The word that stands for it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $( Self::$variant => $word, )*
                }
            }
        }

        impl $crate::config::scalar::Scalar for $name {
            fn shape() -> String {
                format!("word ({})", [$($word),*].join(", "))
            }

            fn expected() -> String {
                format!("one of {}", [$($word),*].join(", "))
            }

            fn parse(text: &str) -> Option<Self> {
                [$(Self::$variant),*].into_iter().find(|word| word.name().eq_ignore_ascii_case(text))
            }

            fn text(&self) -> Option<String> {
                Some($crate::config::scalar::quoted(self.name()))
            }
        }
    };
}

pub(crate) use {choice, section};
