//! The little of DER (X.690) that a public key needs.

/// Modulus and exponent of an `RSAPublicKey` (RFC 8017, appendix A.1.1), big-endian without
/// leading zeros.
pub(crate) fn rsa_public_key(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (content, _) = element(der, SEQUENCE)?;
    let (n, rest) = element(content, INTEGER)?;
    let (e, _) = element(rest, INTEGER)?;
    Some((without_zeros(n), without_zeros(e)))
}

/// The content of the first element, which must have this tag, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&[found, first], rest) = der.split_first_chunk::<2>()?;
    if found != tag {
        return None;
    }
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81 | 0x82 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x0f))?;
            (
                bytes
                    .iter()
                    .fold(0, |length, &byte| length << 8 | usize::from(byte)),
                rest,
            )
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

fn without_zeros(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
    bytes.get(zeros..).unwrap_or_default()
}

const INTEGER: u8 = 0x02;
const SEQUENCE: u8 = 0x30;
