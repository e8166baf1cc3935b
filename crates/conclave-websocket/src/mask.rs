//! The masking of RFC 6455 section 5.3, sixteen bytes at a step.

/// Masks or unmasks `payload` in place; doing it twice gives the first bytes back.
///
/// `payload` starts at the frame's first payload byte, where the key's first byte applies.
/// Source: RFC 6455 section 5.3.
pub fn apply_mask(payload: &mut [u8], mask: [u8; 4]) {
    let wide = u128::from(u32::from_ne_bytes(mask));
    let wide = wide | wide << 32;
    let wide = wide | wide << 64;
    let (chunks, rest) = payload.as_chunks_mut::<16>();
    for chunk in chunks {
        *chunk = (u128::from_ne_bytes(*chunk) ^ wide).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(mask.into_iter().cycle()) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests {
    use super::apply_mask;

    #[test]
    fn masks_any_length_as_byte_by_byte() {
        let mask = [0x37, 0xfa, 0x21, 0x3d];
        for length in 0..100_u8 {
            let plain: Vec<u8> = (0..length).collect();
            let mut masked = plain.clone();
            apply_mask(&mut masked, mask);
            for (at, byte) in plain.iter().enumerate() {
                assert_eq!(masked[at], byte ^ mask[at % 4], "byte {at} of {length}");
            }
            apply_mask(&mut masked, mask);
            assert_eq!(masked, plain);
        }
    }
}
