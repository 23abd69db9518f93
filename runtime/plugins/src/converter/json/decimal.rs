//! Decimals on their way into a column: as narrow as the values of the batch allow.

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray, Decimal128Array, Decimal256Array};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, FieldRef, i256};
use arrow::error::ArrowError;
use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use millstream_api::schema;
use num_bigint::{BigInt, Sign};
use serde_json::Value;

use super::text::Bytes;

/// Base64 as Jackson reads it: padded, whatever the unused bits of the last digit.
pub(super) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
);

/// As [`BASE64`], with what Jackson takes besides: blanks between groups of four, and more after padding.
#[cold]
pub(super) fn lenient_base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    loop {
        while let [0..=b' ', after @ ..] = rest {
            rest = after;
        }
        if rest.is_empty() {
            return Some(bytes);
        }
        let (group, after) = rest.split_at_checked(4)?;
        BASE64.decode_vec(group, &mut bytes).ok()?;
        rest = after;
    }
}

/// Digits a number in a payload may have once its exponent is written out: memory stays bounded whatever the exponent.
const MAX_DIGITS: usize = 10_000;
const SMALL_LIMIT: i128 = 10_i128.pow(38);

/// The digits of a decimal, without its scale.
#[derive(Debug, PartialEq)]
pub(super) enum Unscaled {
    Small(i128),
    Big(BigInt),
}

impl Unscaled {
    fn of_digits(negative: bool, digits: &str) -> Option<Self> {
        if digits.len() <= 38 {
            let value: i128 = if digits.is_empty() { 0 } else { digits.parse().ok()? };
            return Some(Self::Small(if negative { -value } else { value }));
        }
        let value = BigInt::parse_bytes(digits.as_bytes(), 10)?;
        Some(Self::Big(if negative { -value } else { value }))
    }

    /// A number of JSON as a whole number of `10^-scale`; `None` when digits would be lost.
    pub fn of_number(text: &str, scale: i32) -> Option<Self> {
        let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()),
            None => (text, Some(0)),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut digits = String::with_capacity(whole.len() + fraction.len());
        digits.push_str(whole);
        digits.push_str(fraction);
        let significant = digits.trim_start_matches('0');
        if significant.is_empty() {
            return Some(Self::Small(0));
        }
        let shift = exponent?.checked_sub(fraction.len() as i64)?.checked_add(scale.into())?;
        match usize::try_from(shift) {
            Ok(zeros) if significant.len().checked_add(zeros)? <= MAX_DIGITS => {
                Self::of_digits(negative, &format!("{significant}{}", "0".repeat(zeros)))
            }
            Ok(_) => None,
            Err(_) => {
                let cut = significant.len().checked_sub(usize::try_from(shift.unsigned_abs()).ok()?)?;
                let (kept, lost) = significant.split_at_checked(cut)?;
                if lost.bytes().any(|digit| digit != b'0') {
                    return None;
                }
                Self::of_digits(negative, kept)
            }
        }
    }

    /// Big-endian two's complement; `None` without any byte.
    pub fn of_bytes(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > 16 {
            return Some(Self::Big(BigInt::from_signed_bytes_be(bytes)));
        }
        let fill = if *bytes.first()? & 0x80 == 0 { 0 } else { 0xff };
        let mut wide = [fill; 16];
        wide.get_mut(16 - bytes.len()..)?.copy_from_slice(bytes);
        Some(Self::Small(i128::from_be_bytes(wide)))
    }

    fn into_big(self) -> BigInt {
        match self {
            Self::Small(value) => value.into(),
            Self::Big(value) => value,
        }
    }
}

/// The shortest two's complement of a number, as Java's `BigInteger.toByteArray` gives it.
pub(super) fn shortest(bytes: &[u8]) -> &[u8] {
    let spare = bytes
        .windows(2)
        .take_while(|pair| (pair[0] == 0 && pair[1] & 0x80 == 0) || (pair[0] == 0xff && pair[1] & 0x80 != 0))
        .count();
    bytes.get(spare..).unwrap_or(bytes)
}

fn to_i256(value: &BigInt) -> Option<i256> {
    let bytes = value.to_signed_bytes_be();
    let mut wide = [if value.sign() == Sign::Minus { 0xff } else { 0 }; 32];
    wide.get_mut(32usize.checked_sub(bytes.len())?..)?.copy_from_slice(&bytes);
    let value = i256::from_be_bytes(wide);
    let limit = i256::from_i128(SMALL_LIMIT).checked_mul(i256::from_i128(SMALL_LIMIT))?;
    (value < limit && value > limit.wrapping_neg()).then_some(value)
}

enum Values {
    Small(Vec<i128>),
    Wide(Vec<i256>),
    Bytes(Bytes),
}

/// The values of one decimal column. The first value that does not fit widens all of them.
pub(super) struct Decimals {
    scale: i32,
    values: Values,
}

impl Decimals {
    /// For a field that the schema reader made: Decimal128, Decimal256, or Binary for scales Arrow has not.
    pub fn new(field: &Field, scale: i32) -> Self {
        let values = match field.data_type() {
            DataType::Decimal128(..) => Values::Small(Vec::new()),
            DataType::Decimal256(..) => Values::Wide(Vec::new()),
            _ => Values::Bytes(Bytes::default()),
        };
        Self { scale, values }
    }

    pub fn scale(&self) -> i32 {
        self.scale
    }

    pub fn reserve(&mut self, rows: usize) {
        if let Values::Small(values) = &mut self.values {
            values.reserve(rows);
        }
    }

    /// False when there is no room left in the batch.
    pub fn push(&mut self, value: Unscaled) -> bool {
        match (&mut self.values, value) {
            (Values::Small(values), Unscaled::Small(value)) if value < SMALL_LIMIT && value > -SMALL_LIMIT => {
                values.push(value);
                true
            }
            (Values::Small(_), value) => {
                self.widen();
                self.push(value)
            }
            (Values::Wide(values), Unscaled::Small(value)) => {
                values.push(i256::from_i128(value));
                true
            }
            (Values::Wide(values), Unscaled::Big(value)) => match to_i256(&value) {
                Some(value) => {
                    values.push(value);
                    true
                }
                None => {
                    self.widen();
                    self.push(Unscaled::Big(value))
                }
            },
            (Values::Bytes(values), value) => values.push(&value.into_big().to_signed_bytes_be()),
        }
    }

    fn widen(&mut self) {
        self.values = match std::mem::replace(&mut self.values, Values::Small(Vec::new())) {
            Values::Small(values) => Values::Wide(values.into_iter().map(i256::from_i128).collect()),
            Values::Wide(values) => {
                let mut bytes = Bytes::default();
                for value in values {
                    bytes.push(shortest(&value.to_be_bytes()));
                }
                Values::Bytes(bytes)
            }
            bytes => bytes,
        };
    }

    /// What stands under a null.
    pub fn push_placeholder(&mut self) {
        match &mut self.values {
            Values::Small(values) => values.push(0),
            Values::Wide(values) => values.push(i256::ZERO),
            Values::Bytes(values) => values.push_empty(),
        }
    }

    pub fn truncate(&mut self, len: usize) {
        match &mut self.values {
            Values::Small(values) => values.truncate(len),
            Values::Wide(values) => values.truncate(len),
            Values::Bytes(values) => values.truncate(len),
        }
    }

    /// Gives the column away and starts anew. The field is `field` itself unless the values needed a wider type.
    pub fn finish(&mut self, field: &FieldRef, nulls: Option<NullBuffer>) -> Result<(FieldRef, ArrayRef), ArrowError> {
        let fresh = Self::new(field, self.scale).values;
        let scale = i8::try_from(self.scale).unwrap_or_default();
        Ok(match std::mem::replace(&mut self.values, fresh) {
            Values::Small(values) => {
                let array = Decimal128Array::try_new(values.into(), nulls)?.with_precision_and_scale(38, scale)?;
                (field.clone(), Arc::new(array))
            }
            Values::Wide(values) => {
                let array = Decimal256Array::try_new(values.into(), nulls)?.with_precision_and_scale(76, scale)?;
                let widened = match field.data_type() {
                    DataType::Decimal256(..) => field.clone(),
                    _ => Arc::new(field.as_ref().clone().with_data_type(DataType::Decimal256(76, scale))),
                };
                (widened, Arc::new(array))
            }
            Values::Bytes(bytes) => {
                let (offsets, data) = bytes.into_parts();
                let array = BinaryArray::try_new(offsets, data, nulls)?;
                let widened = match field.data_type() {
                    DataType::Binary => field.clone(),
                    _ => Arc::new(as_bytes(field)),
                };
                (widened, Arc::new(array))
            }
        })
    }
}

/// The same schema on an Arrow type that holds any width: what the type implied now stands in the metadata.
fn as_bytes(field: &Field) -> Field {
    let mut metadata = field.metadata().clone();
    metadata.insert(schema::PARAMETERS.to_owned(), Value::Object(schema::parameters(field)).to_string());
    if let Some(name) = schema::name(field) {
        metadata.insert(schema::NAME.to_owned(), name.to_owned());
    }
    if let Some(version) = schema::version(field) {
        metadata.insert(schema::VERSION.to_owned(), version.to_string());
    }
    field.clone().with_data_type(DataType::Binary).with_metadata(metadata)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_take_the_scale_of_the_schema() {
        for (text, unscaled) in [
            ("1.56", 156),
            ("-1.5", -150),
            ("156", 15600),
            ("1e2", 10000),
            ("1.560", 156),
            ("0e99999", 0),
            ("100e-2", 100),
        ] {
            assert_eq!(Unscaled::of_number(text, 2), Some(Unscaled::Small(unscaled)), "{text}");
        }
        for text in ["1.567", "1e-3", "1e999999", "1e99999999999999999999"] {
            assert_eq!(Unscaled::of_number(text, 2), None, "{text}");
        }
        assert_eq!(Unscaled::of_number("1500", -2), Some(Unscaled::Small(15)));
        let nines = "9".repeat(50);
        assert_eq!(Unscaled::of_number(&nines, 0), Some(Unscaled::Big(nines.parse().unwrap())));
    }

    #[test]
    fn base64_may_have_blanks_between_its_groups() {
        for (text, bytes) in [(" AQ==", &[1][..]), ("AQIDBA==\n", &[1, 2, 3, 4]), ("AQ==AQ==", &[1, 1]), ("", &[])] {
            assert_eq!(lenient_base64(text).as_deref(), Some(bytes), "{text}");
        }
        for text in ["A Q==", "AQ", "AQ=", "====", "AQ==x", "!!!!"] {
            assert_eq!(lenient_base64(text), None, "{text}");
        }
    }

    #[test]
    fn bytes_are_signed_and_shortest() {
        for value in [0_i128, 1, -1, 127, 128, -128, -129, 255, 1 << 100, i128::MIN] {
            let bytes = value.to_be_bytes();
            assert_eq!(shortest(&bytes), BigInt::from(value).to_signed_bytes_be());
            assert_eq!(Unscaled::of_bytes(shortest(&bytes)), Some(Unscaled::Small(value)));
        }
        assert_eq!(Unscaled::of_bytes(&[]), None);
    }

    #[test]
    fn a_wide_value_widens_the_column() {
        let field: FieldRef = Arc::new(schema::decimal_field("d", 2, true));
        let mut decimals = Decimals::new(&field, 2);
        decimals.push(Unscaled::Small(5));
        let (same, _) = decimals.finish(&field, None).unwrap();
        assert!(Arc::ptr_eq(&same, &field));
        decimals.push(Unscaled::Small(-5));
        decimals.push(Unscaled::Big("9".repeat(60).parse().unwrap()));
        let (wide, array) = decimals.finish(&field, None).unwrap();
        assert_eq!((wide.data_type(), array.len()), (&DataType::Decimal256(76, 2), 2));
        decimals.push(Unscaled::Small(-5));
        decimals.push(Unscaled::Big("9".repeat(90).parse().unwrap()));
        let (bytes, array) = decimals.finish(&field, None).unwrap();
        assert_eq!((bytes.data_type(), array.len()), (&DataType::Binary, 2));
        assert_eq!(schema::parameter(&bytes, schema::SCALE).as_deref(), Some("2"));
        assert_eq!(schema::name(&bytes), Some(schema::DECIMAL));
    }
}
