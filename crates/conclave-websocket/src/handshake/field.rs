//! Header lines as the handshake reads them: by name, as lists, as tokens.

/// The values of all lines called `name`, without the space around them.
pub(super) fn values<'h>(
    headers: &(impl Iterator<Item = (&'h str, &'h [u8])> + Clone),
    name: &'static str,
) -> impl Iterator<Item = &'h [u8]> {
    headers
        .clone()
        .filter(move |(candidate, _)| candidate.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim_ascii())
}

/// The one value there is; `None` where there are none or several.
pub(super) fn only<'h>(mut values: impl Iterator<Item = &'h [u8]>) -> Option<&'h [u8]> {
    values.next().filter(|_| values.next().is_none())
}

/// The elements of a comma-separated list, without space; empty ones do not count.
pub(super) fn elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value
        .split(|byte| *byte == b',')
        .map(<[u8]>::trim_ascii)
        .filter(|element| !element.is_empty())
}

/// Whether one of the lists holds `token`, in any case.
pub(super) fn contains_token<'h>(values: impl Iterator<Item = &'h [u8]>, token: &str) -> bool {
    values
        .flat_map(elements)
        .any(|element| element.eq_ignore_ascii_case(token.as_bytes()))
}

/// Whether `bytes` is a token: one or more visible ASCII characters but delimiters.
/// Source: RFC 9110 section 5.6.2.
pub(super) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|byte| is_token_byte(*byte))
}

pub(super) const fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_graphic()
        && !matches!(
            byte,
            b'"' | b'(' | b')' | b',' | b'/' | b':'..=b'@' | b'['..=b']' | b'{' | b'}'
        )
}
