//! Values on their way to a database.

use std::borrow::Cow;

/// One value of a statement. Without a value it is NULL.
#[derive(Clone, Debug)]
pub(crate) enum Datum<'q> {
    Flag(Option<bool>),
    Integer(Option<i64>),
    Text(Option<Cow<'q, str>>),
    Blob(Option<Cow<'q, [u8]>>),
    Flags(Vec<Option<bool>>),
    Integers(Vec<Option<i64>>),
    Texts(Vec<Option<String>>),
    Blobs(Vec<Option<Vec<u8>>>),
}

macro_rules! from {
    ($($type:ty => $variant:ident: $value:ident => $datum:expr;)*) => {$(
        impl<'q> From<$type> for Datum<'q> {
            fn from($value: $type) -> Self {
                Self::$variant($datum)
            }
        }
    )*};
}

from! {
    bool => Flag: value => Some(value);
    i64 => Integer: value => Some(value);
    Option<i64> => Integer: value => value;
    &'q str => Text: value => Some(Cow::Borrowed(value));
    &'q String => Text: value => Some(Cow::Borrowed(value));
    String => Text: value => Some(Cow::Owned(value));
    Option<&'q str> => Text: value => value.map(Cow::Borrowed);
    Option<String> => Text: value => value.map(Cow::Owned);
    &'q Option<String> => Text: value => value.as_deref().map(Cow::Borrowed);
    &'q [u8] => Blob: value => Some(Cow::Borrowed(value));
    Vec<u8> => Blob: value => Some(Cow::Owned(value));
    Option<Vec<u8>> => Blob: value => value.map(Cow::Owned);
    Vec<Option<bool>> => Flags: values => values;
    Vec<Option<i64>> => Integers: values => values;
    Vec<Option<String>> => Texts: values => values;
    Vec<Option<Vec<u8>>> => Blobs: values => values;
}
