//! JSON text looked through eight bytes at a time: how far it goes without a character that JSON treats specially, or with digits only.

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
pub fn plain_length<const ASTRAL: bool>(bytes: &[u8]) -> usize {
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

/// Digits up to the first byte that is none.
#[inline]
pub fn digits_length(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word) ^ (ONES * b'0' as u64);
        // Only a byte from 0x80 on carries into the next one, and it is marked itself.
        let marks = (word.wrapping_add(ONES * 0x76) | word) & HIGHS;
        if marks != 0 {
            return index * 8 + marks.trailing_zeros() as usize / 8;
        }
    }
    words.len() * 8 + rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len())
}

/// Equality of a few bytes: most are compared as two words that may overlap.
#[inline]
pub fn same_short(ours: &[u8], theirs: &[u8]) -> bool {
    if ours.len() != theirs.len() {
        return false;
    }
    match ours.len() {
        4..8 => ours.first_chunk::<4>() == theirs.first_chunk() && ours.last_chunk::<4>() == theirs.last_chunk(),
        8..=16 => ours.first_chunk::<8>() == theirs.first_chunk() && ours.last_chunk::<8>() == theirs.last_chunk(),
        _ => ours == theirs,
    }
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

        #[test]
        fn digits_are_counted(bytes in proptest::collection::vec(prop_oneof![9 => b'0'..=b'9', 1 => any::<u8>()], 0..40)) {
            prop_assert_eq!(digits_length(&bytes), bytes.iter().take_while(|byte| byte.is_ascii_digit()).count());
        }

        #[test]
        fn a_few_bytes_are_compared(bytes in proptest::collection::vec(any::<u8>(), 0..20), place: prop::sample::Index, byte: u8) {
            let mut other = bytes.clone();
            if let Some(at) = (!other.is_empty()).then(|| place.index(bytes.len())) {
                other[at] = byte;
            }
            prop_assert_eq!(same_short(&bytes, &other), bytes == other);
            prop_assert!(same_short(&bytes, &bytes));
            prop_assert!(!same_short(&bytes, &[&bytes[..], b"x"].concat()));
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
                let mut digits = [b'7'; 17];
                digits[place] = byte;
                assert_eq!(digits_length(&digits), if byte.is_ascii_digit() { 17 } else { place }, "{byte} at {place}");
            }
        }
    }
}
