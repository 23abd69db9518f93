use super::*;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int32Array,
    Int32Builder, Int64Array, ListArray, MapBuilder, StringArray, StringBuilder, StructArray,
    TimestampMillisecondArray,
};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{Field, Int32Type};

fn texts(array: ArrayRef) -> Vec<String> {
    let field = Field::new("v", array.data_type().clone(), true);
    lines(&Column::new(Arc::new(field), array).unwrap())
}

fn lines(column: &Column) -> Vec<String> {
    let mut out = Vec::new();
    append_texts(column, &mut out).unwrap();
    String::from_utf8(out).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn primitives() {
    assert_eq!(texts(Arc::new(StringArray::from(vec![Some("a b"), None, Some("")]))), ["a b", "null", ""]);
    assert_eq!(texts(Arc::new(Int64Array::from(vec![-7]))), ["-7"]);
    assert_eq!(texts(Arc::new(BooleanArray::from(vec![true]))), ["true"]);
    assert_eq!(texts(Arc::new(BinaryArray::from_vec(vec![b"raw"]))), ["raw"]);
    let doubles = vec![1.0, 0.001, 1e7, 1.5e-4, -0.0, f64::NAN, f64::NEG_INFINITY, 123456.75];
    let expected = ["1.0", "0.001", "1.0E7", "1.5E-4", "-0.0", "NaN", "-Infinity", "123456.75"];
    assert_eq!(texts(Arc::new(Float64Array::from(doubles))), expected);
    assert_eq!(texts(Arc::new(Float32Array::from(vec![0.1, 1e10]))), ["0.1", "1.0E10"]);
}

#[test]
fn logical_types() {
    let decimal = |values: Vec<i128>, scale| {
        texts(Arc::new(Decimal128Array::from(values).with_precision_and_scale(38, scale).unwrap()))
    };
    assert_eq!(decimal(vec![12345, -5, 0], 2), ["123.45", "-0.05", "0.00"]);
    assert_eq!(decimal(vec![12], 0), ["12"]);
    assert_eq!(decimal(vec![1, 15], 8), ["1E-8", "1.5E-7"]);
    assert_eq!(texts(Arc::new(Date32Array::from(vec![19675]))), ["Tue Nov 14 00:00:00 UTC 2023"]);
    let timestamp = TimestampMillisecondArray::from(vec![1_700_000_000_123]).with_timezone("UTC");
    assert_eq!(texts(Arc::new(timestamp)), ["Tue Nov 14 22:13:20 UTC 2023"]);
}

#[test]
fn decimals_beyond_those_of_arrow() {
    let lines_of = |scale, values: Vec<&[u8]>| {
        let field = millstream_api::schema::binary_decimal_field("v", scale, true);
        lines(&Column::new(Arc::new(field), Arc::new(BinaryArray::from_vec(values))).unwrap())
    };
    assert_eq!(lines_of(-3, vec![&[1], &[0xff], &[0]]), ["1E+3", "-1E+3", "0E+3"]);
    assert_eq!(lines_of(127, vec![&[1]]), ["1E-127"]);
    let wide = [&[1][..], &[0; 40]].concat();
    assert_eq!(lines_of(0, vec![&wide]), [format!("{}", num_bigint::BigInt::from(1) << 320)]);
}

#[test]
fn nested_values() {
    let a: ArrayRef = Arc::new(Int32Array::from(vec![Some(1), None]));
    let b: ArrayRef = Arc::new(StringArray::from(vec!["x", "y"]));
    let inner = StructArray::from(vec![(Arc::new(Field::new("c", DataType::Utf8, false)), b.clone())]);
    let fields = vec![
        (Arc::new(Field::new("a", DataType::Int32, true)), a),
        (Arc::new(Field::new("b", DataType::Utf8, false)), b),
        (Arc::new(Field::new("s", inner.data_type().clone(), false)), Arc::new(inner) as ArrayRef),
    ];
    assert_eq!(
        texts(Arc::new(StructArray::from(fields))),
        ["Struct{a=1,b=x,s=Struct{c=x}}", "Struct{b=y,s=Struct{c=y}}"]
    );

    let list =
        ListArray::from_iter_primitive::<Int32Type, _, _>(vec![Some(vec![Some(1), None, Some(3)]), Some(vec![])]);
    assert_eq!(texts(Arc::new(list)), ["[1, null, 3]", "[]"]);

    let mut map = MapBuilder::new(None, StringBuilder::new(), Int32Builder::new());
    map.keys().append_value("a");
    map.values().append_value(1);
    map.keys().append_value("b");
    map.values().append_null();
    map.append(true).unwrap();
    assert_eq!(texts(Arc::new(map.finish())), ["{a=1, b=null}"]);
}

#[test]
fn schemaless_values_and_absent_rows() {
    let json = StringArray::from(vec![r#"{"a":1,"b":["x",null,1.0]}"#, r#""text""#, "null", "12", "{}"]);
    let column = Column::schemaless(json).with_absent(BooleanBuffer::from(vec![false, false, false, false, true]));
    assert_eq!(lines(&column), ["{a=1, b=[x, null, 1.0]}", "text", "null", "12", "null"]);
    assert_eq!(lines(&Column::absent(1)), ["null"]);
    assert!(append_texts(&Column::schemaless(StringArray::from(vec!["{"])), &mut Vec::new()).is_err());
}
