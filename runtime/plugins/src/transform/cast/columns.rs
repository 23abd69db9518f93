//! Casts of columns.

use std::io::Write;
use std::str::FromStr;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, PrimitiveArray, StringArray, StringBuilder,
};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Decimal256Type, Field, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, Time32MillisecondType, TimestampMillisecondType,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use millstream_api::calendar::civil_from_days;
use millstream_api::java_text::{write_decimal, write_double, write_float};
use millstream_api::{Error, Result, schema};
use num_bigint::BigInt;

use super::To;
use crate::java::number::{Decimal, float, whole};

const DAY: i64 = 86_400_000;

/// The values of another type, and the rows of those that cannot have it: they are null. Nulls stay.
pub(super) fn cast_column(field: &Field, array: &ArrayRef, to: To) -> Result<(ArrayRef, Vec<usize>)> {
    let done = |array: ArrayRef| Ok((array, Vec::new()));
    match array.data_type() {
        DataType::Int8 => done(numbers::<Int8Type>(array, to)),
        DataType::Int16 => done(numbers::<Int16Type>(array, to)),
        DataType::Int32 => done(numbers::<Int32Type>(array, to)),
        DataType::Int64 => done(numbers::<Int64Type>(array, to)),
        DataType::Float32 => done(numbers::<Float32Type>(array, to)),
        DataType::Float64 => done(numbers::<Float64Type>(array, to)),
        DataType::Boolean => done(booleans(array.as_boolean(), to)),
        DataType::Utf8 => Ok(texts(array.as_string(), to)),
        DataType::Date32 | DataType::Time32(_) | DataType::Timestamp(..) => done(dates(array, to)?),
        DataType::Decimal128(_, scale) => {
            let (values, scale) = (array.as_primitive::<Decimal128Type>().values(), i64::from(*scale));
            let one = u32::try_from(scale).ok().and_then(|scale| 10_i128.checked_pow(scale));
            let value = |row: usize| values.get(row).copied().unwrap_or_default();
            let print = |row, out: &mut Vec<u8>| write_decimal(out, itoa::Buffer::new().format(value(row)), scale);
            let long = |row| match one {
                Some(one) => (value(row) / one) as i64,
                None => Decimal { unscaled: value(row).into(), scale }.long(),
            };
            done(decimals(array, to, print, long))
        }
        DataType::Decimal256(_, scale) => {
            let values = array.as_primitive::<Decimal256Type>();
            let big = |row| BigInt::from_signed_bytes_le(&values.value(row).to_le_bytes());
            done(big_decimals(array, to, (*scale).into(), big))
        }
        DataType::Binary if schema::name(field) == Some(schema::DECIMAL) => {
            let values = array.as_binary::<i32>();
            let scale = schema::parameter(field, schema::SCALE).and_then(|scale| scale.parse().ok());
            let scale = scale.ok_or_else(|| Error::data("a Decimal has no scale"))?;
            done(big_decimals(array, to, scale, |row| BigInt::from_signed_bytes_be(values.value(row))))
        }
        DataType::Binary if to == To::String => {
            let values = array.as_binary::<i32>();
            done(printed(array, |row, out| {
                let start = out.len();
                out.resize(start + values.value(row).len().div_ceil(3) * 4, 0);
                let place = out.get_mut(start..).unwrap_or_default();
                let len = STANDARD.encode_slice(values.value(row), place).unwrap_or_default();
                out.truncate(start + len);
            }))
        }
        _ => {
            let failed = (0..array.len()).filter(|row| array.is_valid(*row)).collect();
            Ok((arrow::array::new_null_array(&to.data_type(), array.len()), failed))
        }
    }
}

/// A number that Java's `Number` methods narrow.
trait JavaNumber: Copy {
    fn int(self) -> i32;
    fn long(self) -> i64;
    fn float(self) -> f32;
    fn double(self) -> f64;
    fn print(self, out: &mut Vec<u8>);

    /// Floats take the way over int: `byteValue` of 1e300 is that of the largest int.
    fn byte(self) -> i8 {
        self.int() as i8
    }

    fn short(self) -> i16 {
        self.int() as i16
    }
}

macro_rules! java_number {
    ($($native:ty: $print:expr),*) => {$(
        impl JavaNumber for $native {
            fn int(self) -> i32 {
                self as i32
            }
            fn long(self) -> i64 {
                self as i64
            }
            fn float(self) -> f32 {
                self as f32
            }
            fn double(self) -> f64 {
                self as f64
            }
            fn print(self, out: &mut Vec<u8>) {
                $print(out, self);
            }
        }
    )*};
}

java_number!(i8: print_whole, i16: print_whole, i32: print_whole, i64: print_whole, f32: write_float, f64: write_double);

fn print_whole(out: &mut Vec<u8>, value: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

fn numbers<T: ArrowPrimitiveType>(array: &ArrayRef, to: To) -> ArrayRef
where
    T::Native: JavaNumber,
{
    let values = array.as_primitive::<T>();
    match to {
        To::Int8 => Arc::new(values.unary::<_, Int8Type>(JavaNumber::byte)),
        To::Int16 => Arc::new(values.unary::<_, Int16Type>(JavaNumber::short)),
        To::Int32 => Arc::new(values.unary::<_, Int32Type>(JavaNumber::int)),
        To::Int64 => Arc::new(values.unary::<_, Int64Type>(JavaNumber::long)),
        To::Float32 => Arc::new(values.unary::<_, Float32Type>(JavaNumber::float)),
        To::Float64 => Arc::new(values.unary::<_, Float64Type>(JavaNumber::double)),
        To::Boolean => Arc::new(BooleanArray::from_unary(values, |value| value.long() != 0)),
        To::String => printed(array, |row, out| values.value(row).print(out)),
    }
}

fn booleans(values: &BooleanArray, to: To) -> ArrayRef {
    let word = |value: bool| if value { "true" } else { "false" };
    let nulls = values.nulls().cloned();
    let bits = values.values();
    match to {
        To::Int8 => flags::<Int8Type>(bits, nulls, 1),
        To::Int16 => flags::<Int16Type>(bits, nulls, 1),
        To::Int32 => flags::<Int32Type>(bits, nulls, 1),
        To::Int64 => flags::<Int64Type>(bits, nulls, 1),
        To::Float32 => flags::<Float32Type>(bits, nulls, 1.0),
        To::Float64 => flags::<Float64Type>(bits, nulls, 1.0),
        To::Boolean => Arc::new(values.clone()),
        To::String => Arc::new(values.iter().map(|value| value.map(word)).collect::<StringArray>()),
    }
}

fn flags<T: ArrowPrimitiveType>(bits: &BooleanBuffer, nulls: Option<NullBuffer>, one: T::Native) -> ArrayRef {
    let values = bits.iter().map(|bit| if bit { one } else { T::Native::default() });
    Arc::new(PrimitiveArray::<T>::new(values.collect(), nulls))
}

fn texts(values: &StringArray, to: To) -> (ArrayRef, Vec<usize>) {
    fn parsed<T: ArrowPrimitiveType>(
        values: &StringArray,
        parse: impl Fn(&str) -> Option<T::Native>,
    ) -> (ArrayRef, Vec<usize>) {
        let mut failed = Vec::new();
        let numbers = values.iter().enumerate().map(|(row, text)| {
            let number = parse(text?);
            if number.is_none() {
                failed.push(row);
            }
            number
        });
        let array: PrimitiveArray<T> = numbers.collect();
        (Arc::new(array), failed)
    }
    match to {
        To::Int8 => parsed::<Int8Type>(values, |text| whole(text)?.try_into().ok()),
        To::Int16 => parsed::<Int16Type>(values, |text| whole(text)?.try_into().ok()),
        To::Int32 => parsed::<Int32Type>(values, |text| whole(text)?.try_into().ok()),
        To::Int64 => parsed::<Int64Type>(values, whole),
        To::Float32 => parsed::<Float32Type>(values, float),
        To::Float64 => parsed::<Float64Type>(values, float),
        To::Boolean => {
            let truth = values.iter().map(|text| text.map(|text| text.eq_ignore_ascii_case("true")));
            (Arc::new(truth.collect::<BooleanArray>()), Vec::new())
        }
        To::String => (Arc::new(values.clone()), Vec::new()),
    }
}

/// Days or milliseconds as numbers; as text in ISO 8601, of which the value alone chooses the form.
fn dates(array: &ArrayRef, to: To) -> Result<ArrayRef> {
    let plain = |kind| cast(array, &kind).map_err(|e| Error::internal("a date is no number").caused_by(e));
    if to != To::String {
        let timestamp = matches!(array.data_type(), DataType::Timestamp(..));
        let number = plain(if timestamp { DataType::Int64 } else { DataType::Int32 })?;
        return Ok(if timestamp { numbers::<Int64Type>(&number, to) } else { numbers::<Int32Type>(&number, to) });
    }
    let millis: Box<dyn Fn(usize) -> i64 + '_> = match array.data_type() {
        DataType::Date32 => Box::new(|row| i64::from(array.as_primitive::<Date32Type>().value(row)) * DAY),
        DataType::Time32(_) => Box::new(|row| array.as_primitive::<Time32MillisecondType>().value(row).into()),
        _ => Box::new(|row| array.as_primitive::<TimestampMillisecondType>().value(row)),
    };
    Ok(printed(array, |row, out| print_date(millis(row), out)))
}

/// What lies before 1970-01-02 is taken for a time, a midnight for a date: as in Java, whatever the schema says.
fn print_date(millis: i64, out: &mut Vec<u8>) {
    let (day, time) = (millis.div_euclid(DAY), millis.rem_euclid(DAY));
    let (year, month, day_of_month) = civil_from_days(day);
    let [hour, minute, second, milli] =
        [(3_600_000, 24), (60_000, 60), (1000, 60), (1, 1000)].map(|(unit, most)| time / unit % most);
    let date = millis >= DAY;
    let written = match (date, time) {
        (true, 0) => write!(out, "{year:04}-{month:02}-{day_of_month:02}"),
        (true, _) => {
            write!(out, "{year:04}-{month:02}-{day_of_month:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
        }
        (false, _) => write!(out, "{hour:02}:{minute:02}:{second:02}.{milli:03}Z"),
    };
    debug_assert!(written.is_ok());
}

fn big_decimals(array: &ArrayRef, to: To, scale: i64, unscaled: impl Fn(usize) -> BigInt) -> ArrayRef {
    let print = |row, out: &mut Vec<u8>| write_decimal(out, &unscaled(row).to_string(), scale);
    decimals(array, to, print, |row| Decimal { unscaled: unscaled(row), scale }.long())
}

/// `print` appends the text of a value, `long` gives the low bits of its whole part.
fn decimals(array: &ArrayRef, to: To, print: impl Fn(usize, &mut Vec<u8>), long: impl Fn(usize) -> i64) -> ArrayRef {
    match to {
        To::Int8 => each::<Int8Type>(array, |row| long(row) as i8),
        To::Int16 => each::<Int16Type>(array, |row| long(row) as i16),
        To::Int32 => each::<Int32Type>(array, |row| long(row) as i32),
        To::Int64 => each::<Int64Type>(array, long),
        To::Float32 => nearest::<Float32Type>(array, print),
        To::Float64 => nearest::<Float64Type>(array, print),
        To::Boolean => {
            let bits = BooleanBuffer::collect_bool(array.len(), |row| array.is_valid(row) && long(row) != 0);
            Arc::new(BooleanArray::new(bits, array.nulls().cloned()))
        }
        To::String => printed(array, print),
    }
}

/// The floats nearest to the numbers that `print` appends.
fn nearest<T: ArrowPrimitiveType>(array: &ArrayRef, print: impl Fn(usize, &mut Vec<u8>)) -> ArrayRef
where
    T::Native: FromStr,
{
    let mut text = Vec::new();
    each::<T>(array, |row| {
        text.clear();
        print(row, &mut text);
        std::str::from_utf8(&text).ok().and_then(float).unwrap_or_default()
    })
}

fn each<T: ArrowPrimitiveType>(array: &ArrayRef, mut value: impl FnMut(usize) -> T::Native) -> ArrayRef {
    let values = (0..array.len()).map(|row| if array.is_valid(row) { value(row) } else { T::Native::default() });
    Arc::new(PrimitiveArray::<T>::new(values.collect(), array.nulls().cloned()))
}

/// Texts, of which `print` appends each. Nulls stay.
fn printed(array: &ArrayRef, mut print: impl FnMut(usize, &mut Vec<u8>)) -> ArrayRef {
    let mut texts = StringBuilder::with_capacity(array.len(), array.len() * 8);
    let mut text = Vec::new();
    for row in 0..array.len() {
        if array.is_null(row) {
            texts.append_null();
            continue;
        }
        text.clear();
        print(row, &mut text);
        texts.append_value(String::from_utf8_lossy(&text));
    }
    Arc::new(texts.finish())
}

#[cfg(test)]
mod tests {
    use arrow::array::{BinaryArray, Date32Array, Decimal128Array, TimestampMillisecondArray};

    use super::*;

    fn cast_to(field: &Field, array: ArrayRef, to: To) -> String {
        let (cast, failed) = cast_column(field, &array, to).unwrap();
        format!("{:?} {failed:?}", cast.as_string::<i32>().iter().collect::<Vec<_>>())
    }

    #[test]
    fn dates_are_printed_by_their_value_alone() {
        let field = Field::new("t", schema::timestamp_type(), true);
        let millis = vec![-1, 0, DAY - 1, DAY, DAY + 1, 1_483_425_001_864, 253_402_300_800_000, i64::MAX];
        let array = Arc::new(TimestampMillisecondArray::from(millis).with_timezone("UTC"));
        let expected = [
            "23:59:59.999Z",
            "00:00:00.000Z",
            "23:59:59.999Z",
            "1970-01-02",
            "1970-01-02T00:00:00.001Z",
            "2017-01-03T06:30:01.864Z",
            "10000-01-01",
            "292278994-08-17T07:12:55.807Z",
        ];
        assert_eq!(cast_to(&field, array, To::String), format!("{:?} []", expected.map(Some)));
        let field = Field::new("d", DataType::Date32, true);
        let array = Arc::new(Date32Array::from(vec![Some(-1), None, Some(1)]));
        assert_eq!(cast_to(&field, array, To::String), r#"[Some("00:00:00.000Z"), None, Some("1970-01-02")] []"#);
    }

    #[test]
    fn bytes_become_text_only() {
        let field = Field::new("b", DataType::Binary, true);
        let array: ArrayRef = Arc::new(BinaryArray::from_opt_vec(vec![Some(&[1, 2, 255]), None, Some(&[])]));
        assert_eq!(cast_to(&field, array.clone(), To::String), r#"[Some("AQL/"), None, Some("")] []"#);
        let (cast, failed) = cast_column(&field, &array, To::Int32).unwrap();
        assert_eq!((cast.null_count(), failed), (3, vec![0, 2]));
    }

    #[test]
    fn a_decimal_becomes_the_nearest_float_at_once() {
        // By way of a double it would be 16777216.
        let field = schema::decimal_field("d", 10, true);
        let array = Decimal128Array::from(vec![Some(167_772_170_000_000_001_i128), None, Some(-15_000_000_000)]);
        let array: ArrayRef = Arc::new(array.with_precision_and_scale(38, 10).unwrap());
        let cast = |to| cast_column(&field, &array, to).unwrap().0;
        assert_eq!(cast(To::Float32).as_primitive::<Float32Type>(), &vec![Some(16_777_218.0), None, Some(-1.5)].into());
        assert_eq!(cast(To::Int8).as_primitive::<Int8Type>(), &vec![Some(1), None, Some(-1)].into());
        assert_eq!(cast(To::Boolean).as_boolean(), &vec![Some(true), None, Some(true)].into());
        assert_eq!(cast(To::String).as_string::<i32>().value(2), "-1.5000000000");
    }
}
