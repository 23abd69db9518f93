//! How far a text goes without a character that JSON treats specially, eight bytes at a time.

const ONES: u64 = u64::from_le_bytes([1; 8]);
const HIGHS: u64 = ONES << 7;

/// Marks at least the lowest byte of `word` that is `byte` (a higher mark may be false).
const fn equal(word: u64, byte: u8) -> u64 {
    below(word ^ (ONES * byte as u64), 1)
}

/// Marks at least the lowest byte of `word` that is less than `limit`, which is at most 128.
const fn below(word: u64, limit: u8) -> u64 {
    word.wrapping_sub(ONES * limit as u64) & !word & HIGHS
}

/// Marks the bytes that begin a character outside the basic plane (0xf0 and above).
const fn supplementary(word: u64) -> u64 {
    word & (word << 1) & (word << 2) & (word << 3) & HIGHS
}

/// Bytes up to the first quote, backslash or control character; with `ASTRAL` also up to the first character outside the
/// basic plane, which Java's writer escapes.
#[inline]
pub(super) fn plain_length<const ASTRAL: bool>(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let mut marks = below(word, 0x20) | equal(word, b'"') | equal(word, b'\\');
        if ASTRAL {
            marks |= supplementary(word);
        }
        if marks != 0 {
            // The lowest mark is true: each test's lowest is.
            return index * 8 + marks.trailing_zeros() as usize / 8;
        }
    }
    let special = |byte: u8| byte < 0x20 || byte == b'"' || byte == b'\\' || (ASTRAL && byte >= 0xf0);
    words.len() * 8 + rest.iter().position(|&byte| special(byte)).unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn slowly(bytes: &[u8], astral: bool) -> usize {
        let special = |byte: &u8| *byte < 0x20 || matches!(byte, b'"' | b'\\') || (astral && *byte >= 0xf0);
        bytes.iter().position(special).unwrap_or(bytes.len())
    }

    proptest! {
        #[test]
        fn agrees_with_a_look_at_each_byte(bytes in proptest::collection::vec(prop_oneof![
            any::<u8>(), 0x1e_u8..0x24, 0x5a_u8..0x5e, 0x7e_u8..0x82, 0xee_u8..0xf2
        ], 0..40)) {
            prop_assert_eq!(plain_length::<false>(&bytes), slowly(&bytes, false));
            prop_assert_eq!(plain_length::<true>(&bytes), slowly(&bytes, true));
        }
    }

    #[test]
    fn every_single_byte_at_every_place() {
        for byte in 0..=u8::MAX {
            for place in 0..17 {
                let mut bytes = vec![b'a'; 17];
                bytes[place] = byte;
                assert_eq!(plain_length::<true>(&bytes), slowly(&bytes, true), "{byte} at {place}");
                assert_eq!(plain_length::<false>(&bytes), slowly(&bytes, false), "{byte} at {place}");
            }
        }
    }
}
