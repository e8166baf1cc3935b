//! Header lines, as hyper keeps them or as they lie in a request's head.

use httparse::Header;
use hyper::HeaderMap;
use hyper::header::HeaderValue;

/// The header lines of a request.
pub(crate) trait Fields {
    /// The values of all lines called `name` (lower case), in their order.
    fn values<'f>(&'f self, name: &'static str) -> impl Iterator<Item = &'f [u8]>;
}

impl Fields for HeaderMap {
    fn values<'f>(&'f self, name: &'static str) -> impl Iterator<Item = &'f [u8]> {
        self.get_all(name).into_iter().map(HeaderValue::as_bytes)
    }
}

/// Lines as they came: names in any case.
impl Fields for [Header<'_>] {
    fn values<'f>(&'f self, name: &'static str) -> impl Iterator<Item = &'f [u8]> {
        self.iter()
            .filter(move |line| line.name.eq_ignore_ascii_case(name))
            .map(|line| line.value.trim_ascii())
    }
}

/// A value that is a text: visible ASCII, spaces and tabs (RFC 9110 section 5.5, without the
/// obsolete rest).
pub(crate) fn text(value: &[u8]) -> Option<&str> {
    let is_shown = |byte: &u8| matches!(byte, b'\t' | b' '..=b'~');
    value
        .iter()
        .all(is_shown)
        .then_some(value)
        .and_then(|value| std::str::from_utf8(value).ok())
}
