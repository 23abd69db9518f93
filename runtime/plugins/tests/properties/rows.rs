//! Single rows: null, absent, failed; and what an instance remembers.

use std::sync::Arc;

use arrow::array::{Array, AsArray, BinaryArray, Int32Array, StringArray};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{DataType, Field, Int32Type};
use millstream_api::{Column, Config, Converter, ConverterRole, Decoded, schema};
use millstream_plugins::converter;

fn made(class: &str, settings: &[(&str, &str)]) -> Box<dyn Converter> {
    let mut made = converter(class).unwrap();
    made.configure(&settings.iter().copied().collect::<Config>(), ConverterRole::Value).unwrap();
    made
}

fn decode(converter: &mut dyn Converter, payloads: &[Option<&str>]) -> Decoded {
    converter.decode("t", &BinaryArray::from_iter(payloads.iter().map(|payload| payload.map(str::as_bytes))))
}

const INT: &str = r#"{"schema":{"type":"int32","optional":true},"payload":1}"#;
const NULL_INT: &str = r#"{"schema":{"type":"int32","optional":true},"payload":null}"#;

#[test]
fn a_tombstone_is_no_null_under_a_schema() {
    let decoded = decode(made("Json", &[]).as_mut(), &[None, Some(INT), Some(NULL_INT), Some("{"), None]);
    let column = &decoded.runs[0].column;
    let absent: Vec<bool> = (0..5).map(|row| column.is_absent(row)).collect();
    // A row that failed has no value, and so no schema either.
    assert_eq!(absent, [true, false, false, true, true]);
    assert_eq!(column.array().null_count(), 4);
    let encoded = made("Json", &[]).encode("t", column);
    let written: Vec<bool> = (0..5).map(|row| encoded.payloads.is_valid(row)).collect();
    assert_eq!(written, [false, true, true, false, false]);
    assert_eq!(encoded.payloads.value(2), NULL_INT.as_bytes());

    let plain = decode(made("Json", &[("schemas.enable", "false")]).as_mut(), &[Some("1"), Some(" "), Some("null")]);
    assert!(
        !plain.runs[0].column.is_absent(0) && plain.runs[0].column.is_absent(1) && plain.runs[0].column.is_absent(2)
    );
}

#[test]
fn a_row_that_cannot_be_written_leaves_nothing_behind() {
    let field = Arc::new(Field::new("value", DataType::Int32, false));
    let column = Column::new(field, Arc::new(Int32Array::from(vec![Some(1), None, None, Some(4)])))
        .unwrap()
        .with_absent(BooleanBuffer::from(vec![false, false, true, false]));
    let encoded = made("Json", &[]).encode("t", &column);
    assert_eq!(encoded.failures.iter().map(|f| f.row).collect::<Vec<_>>(), [1]);
    assert!(encoded.failures[0].error.to_string().contains("required"));
    let envelope = |value: i32| format!(r#"{{"schema":{{"type":"int32","optional":false}},"payload":{value}}}"#);
    assert_eq!(encoded.payloads.value_data(), (envelope(1) + &envelope(4)).as_bytes());
    assert_eq!(encoded.payloads.value(3), envelope(4).as_bytes());
}

#[test]
fn schemaless_text_is_written_without_blanks() {
    let column = Column::schemaless(StringArray::from(vec!["{ \"a\" : [ 1.50, \" \" ] }"]));
    for (settings, written) in
        [("false", "{\"a\":[1.50,\" \"]}"), ("true", "{\"schema\":null,\"payload\":{\"a\":[1.50,\" \"]}}")]
    {
        let encoded = made("Json", &[("schemas.enable", settings)]).encode("t", &column);
        assert_eq!(encoded.payloads.value(0), written.as_bytes());
    }
}

#[test]
fn a_field_given_twice_counts_the_last_time() {
    let payload = r#"{"schema":{"type":"struct","fields":[{"field":"a","type":"int32"},{"field":"b","type":"int32"}]},"payload":{"a":1,"b":2,"a":3}}"#;
    let decoded = decode(made("Json", &[]).as_mut(), &[Some(payload)]);
    let fields = decoded.runs[0].column.array().as_struct().clone();
    let value = |index: usize| fields.column(index).as_primitive::<Int32Type>().value(0);
    assert_eq!((value(0), value(1)), (3, 2));
}

#[test]
fn one_schema_is_one_object_from_batch_to_batch() {
    let mut json = made("Json", &[]);
    // The same schema in other words.
    let other = r#"{"payload":2, "schema":{"optional":true, "type":"int32"}}"#;
    let first = decode(json.as_mut(), &[Some(INT), Some(other)]);
    let second = decode(json.as_mut(), &[Some(other)]);
    assert_eq!(first.runs.len(), 1);
    assert!(Arc::ptr_eq(first.runs[0].column.field(), second.runs[0].column.field()));
}

#[test]
fn a_decimal_too_wide_widens_its_batch_only() {
    let envelope = |number: &str| {
        format!(
            r#"{{"schema":{{"type":"struct","fields":[{{"type":"bytes","optional":false,"name":"{}","version":1,"parameters":{{"scale":"1"}},"field":"d"}}],"optional":false}},"payload":{{"d":{number}}}}}"#,
            schema::DECIMAL
        )
    };
    let mut json = made("Json", &[("decimal.format", "NUMERIC")]);
    for (digits, expected) in
        [(30, "Decimal128(38, 1)"), (60, "Decimal256(76, 1)"), (100, "Binary"), (30, "Decimal128(38, 1)")]
    {
        let (narrow, wide) = (envelope("1.5"), envelope(&("9".repeat(digits) + ".5")));
        let decoded = decode(json.as_mut(), &[Some(&narrow), Some(&wide)]);
        let column = &decoded.runs[0].column;
        let DataType::Struct(fields) = column.field().data_type() else { panic!("no struct") };
        assert_eq!(fields[0].data_type().to_string(), expected);
        let encoded = json.encode("t", column);
        assert_eq!((encoded.payloads.value(0), encoded.payloads.value(1)), (narrow.as_bytes(), wide.as_bytes()));
    }
}

#[test]
fn bytes_that_are_a_decimal_are_no_bytes() {
    let field = Arc::new(schema::binary_decimal_field("value", 100, true));
    let column = Column::new(field, Arc::new(BinaryArray::from_vec(vec![&[1]]))).unwrap();
    assert_eq!(made("ByteArray", &[]).encode("t", &column).failures.len(), 1);
    assert!(made("String", &[]).encode("t", &column).failures.is_empty());
}

#[test]
fn bytes_have_no_text() {
    let field = Arc::new(Field::new("value", DataType::Binary, true));
    let column = Column::new(field, Arc::new(BinaryArray::from_opt_vec(vec![None, Some(&[1])]))).unwrap();
    // Java writes the address of an object.
    let encoded = made("String", &[]).encode("t", &column);
    assert_eq!(encoded.failures.iter().map(|f| f.row).collect::<Vec<_>>(), [1]);
    assert_eq!(encoded.payloads.null_count(), 2);
}

#[test]
fn wrong_settings_name_their_key() {
    for (class, key, value) in [
        ("Json", "schemas.enable", "maybe"),
        ("Json", "decimal.format", "HEX"),
        ("Json", "schema.content", "{\"type\":\"nope\"}"),
        ("String", "converter.encoding", "EBCDIC-7"),
    ] {
        let error =
            converter(class).unwrap().configure(&[(key, value)].into_iter().collect(), ConverterRole::Key).unwrap_err();
        assert_eq!(error.kind(), millstream_api::ErrorKind::Config);
        assert!(error.to_string().contains(key), "{error}");
    }
}
