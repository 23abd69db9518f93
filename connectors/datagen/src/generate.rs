//! Values: a function of seed, row and field, made a column at a time.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int8Array,
    Int16Array, Int32Array, Int64Array, StringArray, Time32MillisecondArray, TimestampMillisecondArray,
};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer};
use millstream_api::{Error, Result};

use crate::schema::{Kind, Made};

/// 2024-01-01T00:00:00Z in epoch milliseconds; the first row's timestamp.
const EPOCH: i64 = 1_704_067_200_000;
const MILLIS_PER_DAY: u64 = 86_400_000;
/// One of so many values of an optional field is null.
const NULLS: u64 = 8;
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The values of field `index` in rows `from .. from + rows`.
pub(crate) fn column(made: &Made, index: usize, seed: u64, from: u64, rows: usize) -> Result<ArrayRef> {
    let base = mix(seed ^ mix(index as u64 + 1));
    let hash = |row: u64| mix(base.wrapping_add(row));
    let values = || (from..from + rows as u64).map(hash);
    let nulls = made.optional.then(|| {
        let valid = BooleanBuffer::from_iter(values().map(|value| !(value >> 56).is_multiple_of(NULLS)));
        NullBuffer::new(valid)
    });
    // The low bits of a hash, as a number of the type.
    macro_rules! numbers {
        ($array:ty, $make:expr) => {
            Arc::new(<$array>::new(values().map($make).collect::<Vec<_>>().into(), nulls))
        };
    }
    Ok(match made.kind {
        Kind::Sequence => Arc::new(Int64Array::new(
            (from..from + rows as u64).map(|row| i64::try_from(row).unwrap_or(i64::MAX)).collect::<Vec<_>>().into(),
            nulls,
        )),
        Kind::Boolean => Arc::new(BooleanArray::new(BooleanBuffer::from_iter(values().map(|v| v & 1 == 1)), nulls)),
        Kind::Int8 => numbers!(Int8Array, |v| v as i8),
        Kind::Int16 => numbers!(Int16Array, |v| v as i16),
        Kind::Int32 => numbers!(Int32Array, |v| (v % 1_000_000) as i32),
        Kind::Int64 => numbers!(Int64Array, |v| (v >> 16) as i64),
        Kind::Float32 => numbers!(Float32Array, |v| (v % 1_000_000) as f32 / 64.0),
        Kind::Float64 => numbers!(Float64Array, |v| (v % 1_000_000_000) as f64 / 1024.0),
        Kind::Date => numbers!(Date32Array, |v| (v % 20_000) as i32),
        Kind::Time => numbers!(Time32MillisecondArray, |v| (v % MILLIS_PER_DAY) as i32),
        Kind::Timestamp => {
            let rising = (from..from + rows as u64).map(|row| EPOCH.saturating_add_unsigned(row)).collect::<Vec<_>>();
            Arc::new(TimestampMillisecondArray::new(rising.into(), nulls).with_timezone("UTC"))
        }
        Kind::Decimal(scale) => {
            let unscaled = values().map(|v| i128::from(v % 100_000_000)).collect::<Vec<_>>();
            let array = Decimal128Array::new(unscaled.into(), nulls);
            let scale = i8::try_from(scale).unwrap_or_default();
            Arc::new(array.with_precision_and_scale(38, scale).map_err(refused)?)
        }
        Kind::String(length) => {
            let (offsets, bytes) = texts(values(), rows, length as usize, |byte| LETTERS[usize::from(byte & 63)])?;
            Arc::new(StringArray::try_new(offsets, bytes, nulls).map_err(refused)?)
        }
        Kind::Bytes(length) => {
            let (offsets, bytes) = texts(values(), rows, length as usize, |byte| byte)?;
            Arc::new(BinaryArray::try_new(offsets, bytes, nulls).map_err(refused)?)
        }
    })
}

/// Values of one length, one after another.
fn texts(
    seeds: impl Iterator<Item = u64>,
    rows: usize,
    length: usize,
    shape: impl Fn(u8) -> u8,
) -> Result<(OffsetBuffer<i32>, Buffer)> {
    let total = rows.checked_mul(length).filter(|total| i32::try_from(*total).is_ok());
    let total = total.ok_or_else(|| Error::fatal("one batch would hold more than 2 GB: lower batch.size"))?;
    let mut bytes = Vec::with_capacity(total);
    for mut seed in seeds {
        let end = bytes.len() + length;
        while bytes.len() < end {
            let few = seed.to_le_bytes();
            bytes.extend(few.iter().take(end - bytes.len()).map(|byte| shape(*byte)));
            seed = mix(seed);
        }
    }
    Ok((OffsetBuffer::from_lengths(std::iter::repeat_n(length, rows)), bytes.into()))
}

fn refused(error: arrow::error::ArrowError) -> Error {
    Error::internal("cannot make a column").caused_by(error)
}

/// The splitmix64 mix: every bit of the input moves about half of the output's.
fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A seed for each task, so that two tasks do not make the same rows.
pub(crate) fn seed_of(seed: i64, task: u32) -> u64 {
    mix(seed.cast_unsigned()).wrapping_add(mix(u64::from(task)))
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, AsArray};
    use arrow::datatypes::Int64Type;

    use super::*;
    use crate::schema::{DEFAULT, read, record};

    fn made(text: &str) -> Vec<Made> {
        read(&text.split(',').map(str::to_owned).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn a_row_is_the_same_wherever_its_batch_begins() {
        let fields = format!("{DEFAULT},a:int8,b:int16?,c:float32,d:bytes(3),e:time,f:string(0)");
        for (index, field) in made(&fields).iter().enumerate() {
            let whole = column(field, index, 7, 0, 100).unwrap();
            let part = column(field, index, 7, 40, 10).unwrap();
            assert_eq!(&whole.slice(40, 10), &part, "{field:?}");
            let other = column(field, index, 8, 0, 100).unwrap();
            let fixed = matches!(field.kind, Kind::Sequence | Kind::Timestamp | Kind::String(0));
            assert_eq!(whole == other, fixed, "{field:?}: another seed gives other values");
        }
    }

    #[test]
    fn columns_are_what_the_schema_says() {
        let made = made(DEFAULT);
        let (_, fields) = record("row", &made);
        for (index, (field, made)) in fields.iter().zip(&made).enumerate() {
            let column = column(made, index, 1, 5, 1000).unwrap();
            assert_eq!(column.data_type(), field.data_type(), "{made:?}");
            let nulls = column.null_count();
            assert_eq!(nulls > 0, made.optional, "{made:?}: {nulls} nulls");
            assert!(nulls < 300);
        }
        let ids = column(&made[0], 0, 1, 5, 3).unwrap();
        assert_eq!(ids.as_primitive::<Int64Type>().values(), &[5, 6, 7]);
    }

    #[test]
    fn too_much_for_one_batch_is_an_error() {
        let field = Made { name: "a".into(), kind: Kind::Bytes(1 << 20), optional: false };
        assert!(column(&field, 0, 1, 0, 4096).unwrap_err().to_string().contains("batch.size"));
    }
}
