//! Types whose binary form is (nearly) the value: integers, floats, booleans, texts, bytes, uuid, bits.

use super::ValueError;

/// A value of exactly `N` bytes.
pub fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N], ValueError> {
    bytes.try_into().map_err(|_| ValueError::Malformed)
}

/// The bits of a bit string: their number and their bytes.
fn bits(bytes: &[u8]) -> Result<(usize, &[u8]), ValueError> {
    let (count, bits) = bytes.split_first_chunk::<4>().ok_or(ValueError::Malformed)?;
    let count = usize::try_from(i32::from_be_bytes(*count)).map_err(|_| ValueError::Malformed)?;
    if bits.len() != count.div_ceil(8) {
        return Err(ValueError::Malformed);
    }
    Ok((count, bits))
}

fn bit(bits: &[u8], i: usize) -> u8 {
    bits.get(i / 8).map_or(0, |byte| byte >> (7 - i % 8) & 1)
}

/// `bit(1)`.
pub fn bit_as_bool(bytes: &[u8]) -> Result<bool, ValueError> {
    let (count, bits) = bits(bytes)?;
    Ok((0..count).any(|i| bit(bits, i) == 1))
}

/// `bit(2)` to `bit(8)`: the digits 0 and 1 read as a decimal number.
pub fn bits_as_decimal_digits(bytes: &[u8]) -> Result<i8, ValueError> {
    let (count, bits) = bits(bytes)?;
    let number = (0..count).try_fold(0u64, |number, i| number.checked_mul(10)?.checked_add(u64::from(bit(bits, i))));
    number.and_then(|number| i8::try_from(number).ok()).ok_or(ValueError::OutOfRange)
}

/// Longer bit strings: ASCII zeros and ones.
pub fn bits_as_text(bytes: &[u8], out: &mut Vec<u8>) -> Result<(), ValueError> {
    let (count, bits) = bits(bytes)?;
    out.extend((0..count).map(|i| b'0' + bit(bits, i)));
    Ok(())
}

/// A uuid in its usual form.
pub fn uuid(bytes: &[u8], out: &mut Vec<u8>) -> Result<(), ValueError> {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let bytes: [u8; 16] = fixed(bytes)?;
    let mut text = [b'-'; 36];
    let mut at = 0;
    for (i, byte) in bytes.iter().enumerate() {
        if matches!(i, 4 | 6 | 8 | 10) {
            at += 1;
        }
        text[at] = HEX[usize::from(byte >> 4)];
        text[at + 1] = HEX[usize::from(byte & 15)];
        at += 2;
    }
    out.extend_from_slice(&text);
    Ok(())
}

/// jsonb: a version byte, then the text.
pub fn jsonb(bytes: &[u8]) -> Result<&[u8], ValueError> {
    match bytes.split_first() {
        Some((1, text)) => Ok(text),
        _ => Err(ValueError::Malformed),
    }
}

/// `"char"`: one byte; zero is the empty text, a byte that is no ASCII character is shown as the server shows it.
pub fn char(bytes: &[u8], out: &mut Vec<u8>) -> Result<(), ValueError> {
    match fixed::<1>(bytes)?[0] {
        0 => {}
        byte if byte.is_ascii() => out.push(byte),
        byte => out.extend_from_slice(format!("\\{byte:03o}").as_bytes()),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bit_strings() {
        let wire = |count: i32, bits: &[u8]| [&count.to_be_bytes(), bits].concat();
        assert_eq!(bit_as_bool(&wire(1, &[0x80])), Ok(true));
        assert_eq!(bits_as_decimal_digits(&wire(3, &[0b1010_0000])), Ok(101));
        assert_eq!(bits_as_decimal_digits(&wire(4, &[0b1111_0000])), Err(ValueError::OutOfRange));
        let mut text = Vec::new();
        bits_as_text(&wire(9, &[0b1000_0001, 0x80]), &mut text).unwrap();
        assert_eq!(text, b"100000011");
        assert_eq!(bit_as_bool(&wire(9, &[0])), Err(ValueError::Malformed));
        assert_eq!(bit_as_bool(&[0]), Err(ValueError::Malformed));
    }

    #[test]
    fn uuids() {
        let mut text = Vec::new();
        uuid(&(0..16).collect::<Vec<_>>(), &mut text).unwrap();
        assert_eq!(text, b"00010203-0405-0607-0809-0a0b0c0d0e0f");
    }
}
