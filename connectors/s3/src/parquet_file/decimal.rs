//! Decimals: whichever Arrow type a batch's widest value asked for, the file's type follows from the schema alone.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BinaryArray, Decimal128Array, Decimal256Array, StringBuilder};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::{DataType, Decimal128Type, Decimal256Type, DecimalType, Field, i256};
use millstream_api::{Error, Result, schema};
use num_bigint::BigInt;

use super::convert::{Report, downcast};
use super::shape::Conversion;

const NARROW: u8 = 38;
const WIDE: u8 = 76;
/// Beyond this scale plain digits would be mostly zeros.
const PLAIN_SCALE: i32 = 1000;

/// The file's type of a Decimal, and the way there.
pub(super) fn target(field: &Field) -> (DataType, Conversion) {
    let scale = schema::parameter(field, schema::SCALE).and_then(|text| text.trim().parse::<i32>().ok());
    let scale = match (scale, field.data_type()) {
        (Some(scale), _) => scale,
        (None, DataType::Decimal128(_, scale) | DataType::Decimal256(_, scale)) => i32::from(*scale),
        // A Decimal without a readable scale is bytes of unknown meaning.
        (None, _) => return (DataType::Binary, Conversion::Keep),
    };
    let Some(narrow_scale) = u8::try_from(scale).ok().filter(|scale| *scale <= WIDE) else {
        return (DataType::Utf8, Conversion::DecimalText(scale));
    };
    let given = schema::parameter(field, schema::PRECISION)
        .and_then(|text| text.trim().parse::<u8>().ok())
        .filter(|precision| (1..=WIDE).contains(precision) && *precision >= narrow_scale);
    let precision = given.unwrap_or(if narrow_scale <= NARROW { NARROW } else { WIDE });
    let scale = narrow_scale as i8;
    let data_type = match precision {
        ..=NARROW => DataType::Decimal128(precision, scale),
        _ => DataType::Decimal256(precision, scale),
    };
    // What the converter builds in this very type is known to fit it, except that it always says 38 or 76 digits.
    match &data_type == field.data_type() {
        true => (data_type, Conversion::Keep),
        false => (data_type.clone(), Conversion::Decimal(data_type)),
    }
}

/// Unscaled values of any Decimal storage, wide enough for all that a file can hold. `None` in the second place: too wide.
fn unscaled(array: &ArrayRef) -> Result<Box<dyn Fn(usize) -> Option<i256> + '_>> {
    Ok(match array.data_type() {
        DataType::Decimal128(..) => {
            let values = downcast::<Decimal128Array>(array)?;
            Box::new(|row| Some(i256::from_i128(values.value(row))))
        }
        DataType::Decimal256(..) => {
            let values = downcast::<Decimal256Array>(array)?;
            Box::new(|row| Some(values.value(row)))
        }
        DataType::Binary => {
            let values = downcast::<BinaryArray>(array)?;
            Box::new(|row| from_bytes(values.value(row)))
        }
        other => return Err(Error::internal(format!("a Decimal cannot be stored as {other}"))),
    })
}

/// Big-endian two's complement of any length.
fn from_bytes(bytes: &[u8]) -> Option<i256> {
    let sign = if bytes.first().is_some_and(|first| first & 0x80 != 0) { 0xff } else { 0 };
    let mut wide = [sign; 32];
    let extra = bytes.len().saturating_sub(32);
    let (head, tail) = bytes.split_at(extra);
    let fits = head.iter().all(|byte| *byte == sign)
        && (extra == 0 || tail.first().is_some_and(|first| (first & 0x80 != 0) == (sign == 0xff)));
    wide[32 - tail.len()..].copy_from_slice(tail);
    fits.then(|| i256::from_be_bytes(wide))
}

/// The array in the file's type; values with too many digits are reported.
pub(super) fn convert(target: &DataType, array: &ArrayRef, report: &mut Report<'_>) -> Result<ArrayRef> {
    let get = unscaled(array)?;
    let rows = 0..array.len();
    match target {
        DataType::Decimal128(precision, scale) => {
            let values = rows.map(|row| {
                let fitting = (!array.is_null(row)).then(|| {
                    let narrow = get(row).and_then(i256::to_i128);
                    narrow.filter(|value| Decimal128Type::is_valid_decimal_precision(*value, *precision))
                });
                pick(fitting, row, *precision, report)
            });
            let values: ScalarBuffer<i128> = values.collect();
            let array = Decimal128Array::try_new(values, array.nulls().cloned());
            Ok(Arc::new(array.and_then(|array| array.with_precision_and_scale(*precision, *scale)).map_err(mismatch)?))
        }
        DataType::Decimal256(precision, scale) => {
            let values = rows.map(|row| {
                let fitting = (!array.is_null(row))
                    .then(|| get(row).filter(|value| Decimal256Type::is_valid_decimal_precision(*value, *precision)));
                pick(fitting, row, *precision, report)
            });
            let values: ScalarBuffer<i256> = values.collect();
            let array = Decimal256Array::try_new(values, array.nulls().cloned());
            Ok(Arc::new(array.and_then(|array| array.with_precision_and_scale(*precision, *scale)).map_err(mismatch)?))
        }
        other => Err(Error::internal(format!("{other} is no Decimal"))),
    }
}

fn pick<T: Default>(fitting: Option<Option<T>>, row: usize, precision: u8, report: &mut Report<'_>) -> T {
    match fitting {
        Some(Some(value)) => value,
        Some(None) => {
            report(row, format!("the number has more than the {precision} digits of its Decimal type"));
            T::default()
        }
        None => T::default(),
    }
}

/// Decimals as text: any width, any scale.
pub(super) fn to_text(scale: i32, array: &ArrayRef) -> Result<ArrayRef> {
    let mut text = StringBuilder::with_capacity(array.len(), array.len() * 24);
    for row in 0..array.len() {
        if array.is_null(row) {
            text.append_null();
            continue;
        }
        let unscaled = match array.data_type() {
            DataType::Binary => BigInt::from_signed_bytes_be(downcast::<BinaryArray>(array)?.value(row)),
            _ => {
                let value = unscaled(array)?(row).unwrap_or_default();
                BigInt::from_signed_bytes_be(&value.to_be_bytes())
            }
        };
        text.append_value(plain(&unscaled, scale));
    }
    Ok(Arc::new(text.finish()))
}

fn plain(unscaled: &BigInt, scale: i32) -> String {
    let digits = unscaled.to_string();
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", digits.as_str()),
    };
    match scale {
        0 => format!("{sign}{digits}"),
        1..=PLAIN_SCALE => {
            let width = scale as usize + 1;
            let padded = format!("{digits:0>width$}");
            let (whole, fraction) = padded.split_at(padded.len() - scale as usize);
            format!("{sign}{whole}.{fraction}")
        }
        _ if (-PLAIN_SCALE..0).contains(&scale) && digits != "0" => {
            format!("{sign}{digits}{}", "0".repeat(scale.unsigned_abs() as usize))
        }
        _ => format!("{sign}{digits}E{}", -i64::from(scale)),
    }
}

fn mismatch(error: arrow::error::ArrowError) -> Error {
    Error::internal("a Decimal cannot be brought into the form of its file").caused_by(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_numbers() {
        for (unscaled, scale, text) in [
            (12345, 2, "123.45"),
            (-5, 3, "-0.005"),
            (0, 2, "0.00"),
            (7, 0, "7"),
            (12, -3, "12000"),
            (1, 5000, "1E-5000"),
            (1, -5000, "1E5000"),
        ] {
            assert_eq!(plain(&BigInt::from(unscaled), scale), text);
        }
    }

    #[test]
    fn bytes_of_any_length() {
        assert_eq!(from_bytes(&[]), Some(i256::ZERO));
        assert_eq!(from_bytes(&[0xff]), Some(i256::from_i128(-1)));
        assert_eq!(from_bytes(&[0x00; 40]), Some(i256::ZERO));
        assert_eq!(from_bytes(&[0xff; 40]), Some(i256::from_i128(-1)));
        let mut wide = [0u8; 33];
        wide[1] = 0x80;
        assert_eq!(from_bytes(&wide), None);
    }
}
