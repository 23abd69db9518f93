//! Default values of fields: from the JSON payload of the schema to one value of the file's type.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Decimal256Array, FixedSizeBinaryArray,
    Float32Array, Float64Array, Int32Array, Int64Array, Scalar, StringArray, Time32MillisecondArray,
    TimestampMillisecondArray,
};
use arrow::datatypes::{DataType, TimeUnit, i256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// The default as one value, or `None` for null and for what is no plain value (defaults of structs, lists and maps are left
/// to the converter).
pub(super) fn scalar(json: &str, data_type: &DataType) -> Option<Scalar<ArrayRef>> {
    let value: Value = serde_json::from_str(json).ok()?;
    let int = || value.as_i64();
    let array: ArrayRef = match data_type {
        DataType::Boolean => Arc::new(BooleanArray::from(vec![value.as_bool()?])),
        DataType::Int32 => Arc::new(Int32Array::from(vec![i32::try_from(int()?).ok()?])),
        DataType::Int64 => Arc::new(Int64Array::from(vec![int()?])),
        DataType::Float32 => Arc::new(Float32Array::from(vec![value.as_f64()? as f32])),
        DataType::Float64 => Arc::new(Float64Array::from(vec![value.as_f64()?])),
        DataType::Utf8 => Arc::new(StringArray::from(vec![value.as_str()?])),
        DataType::Binary => Arc::new(BinaryArray::from(vec![STANDARD.decode(value.as_str()?).ok()?.as_slice()])),
        DataType::FixedSizeBinary(size) => {
            let bytes = STANDARD.decode(value.as_str()?).ok()?;
            if i32::try_from(bytes.len()).ok()? != *size {
                return None;
            }
            Arc::new(FixedSizeBinaryArray::try_from_iter(std::iter::once(bytes)).ok()?)
        }
        DataType::Date32 => Arc::new(Date32Array::from(vec![i32::try_from(int()?).ok()?])),
        DataType::Time32(TimeUnit::Millisecond) => {
            Arc::new(Time32MillisecondArray::from(vec![i32::try_from(int()?).ok()?]))
        }
        DataType::Timestamp(TimeUnit::Millisecond, zone) => {
            Arc::new(TimestampMillisecondArray::from(vec![int()?]).with_timezone_opt(zone.clone()))
        }
        DataType::Decimal128(precision, scale) => {
            let unscaled = decimal(&value)?.to_i128()?;
            Arc::new(Decimal128Array::from(vec![unscaled]).with_precision_and_scale(*precision, *scale).ok()?)
        }
        DataType::Decimal256(precision, scale) => {
            Arc::new(Decimal256Array::from(vec![decimal(&value)?]).with_precision_and_scale(*precision, *scale).ok()?)
        }
        _ => return None,
    };
    Some(Scalar::new(array))
}

/// The payload of a Decimal: base64 of the unscaled value.
fn decimal(value: &Value) -> Option<i256> {
    let bytes = STANDARD.decode(value.as_str()?).ok()?;
    let sign = if bytes.first().is_some_and(|first| first & 0x80 != 0) { 0xff } else { 0 };
    let mut wide = [sign; 32];
    let start = 32usize.checked_sub(bytes.len())?;
    wide[start..].copy_from_slice(&bytes);
    Some(i256::from_be_bytes(wide))
}
