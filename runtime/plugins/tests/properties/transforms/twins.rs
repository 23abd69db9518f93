//! A value without schema fares as the same value with one.

use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::{DataType, Field, Fields};
use millstream_api::{Batch, Column, Converter, ConverterRole, Transformed};
use millstream_plugins::converter;
use proptest::prelude::*;
use serde_json::Value;

use super::made;

fn json() -> Box<dyn Converter> {
    let mut json = converter("JsonConverter").unwrap();
    json.configure(&[("schemas.enable", "false")].into_iter().collect(), ConverterRole::Value).unwrap();
    json
}

type Row = (Option<i64>, f64, bool, String, (Option<String>, i64), Vec<i64>);

/// Longs, doubles, booleans, texts, structs and lists: what JSON without schema has.
fn typed(rows: &[Row]) -> Column {
    let inner = Fields::from(vec![Field::new("x", DataType::Utf8, true), Field::new("y\"z", DataType::Int64, false)]);
    let item = Arc::new(Field::new("item", DataType::Int64, false));
    let fields = Fields::from(vec![
        Field::new("long", DataType::Int64, true),
        Field::new("double", DataType::Float64, false),
        Field::new("boolean", DataType::Boolean, false),
        Field::new("text", DataType::Utf8, false),
        Field::new("inner", DataType::Struct(inner.clone()), false),
        Field::new("list", DataType::List(item.clone()), false),
    ]);
    let inner = StructArray::new(
        inner,
        vec![
            Arc::new(rows.iter().map(|row| row.4.0.clone()).collect::<StringArray>()),
            Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.4.1))),
        ],
        None,
    );
    let lengths = arrow::buffer::OffsetBuffer::from_lengths(rows.iter().map(|row| row.5.len()));
    let items = Int64Array::from_iter_values(rows.iter().flat_map(|row| row.5.clone()));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|row| row.0).collect::<Int64Array>()),
        Arc::new(Float64Array::from_iter_values(rows.iter().map(|row| row.1))),
        Arc::new(BooleanArray::from(rows.iter().map(|row| row.2).collect::<Vec<_>>())),
        Arc::new(StringArray::from_iter_values(rows.iter().map(|row| &row.3))),
        Arc::new(inner),
        Arc::new(ListArray::new(item, lengths, Arc::new(items), None)),
    ];
    let field = Field::new("value", DataType::Struct(fields.clone()), true);
    Column::new(Arc::new(field), Arc::new(StructArray::new(fields, columns, None))).unwrap()
}

/// The JSON of key and value of every row; nothing for those that failed.
fn written(out: &Transformed, rows: usize) -> Vec<Option<[Value; 2]>> {
    let mut all = vec![None; rows];
    for (batch, origins) in &out.parts {
        let [keys, values] = [&batch.key, &batch.value].map(|column| {
            let encoded = json().encode("t", column);
            assert!(encoded.failures.is_empty(), "{:?}", encoded.failures);
            encoded.payloads
        });
        for (row, origin) in origins.values().iter().enumerate() {
            let text = |payloads: &BinaryArray| {
                if payloads.is_null(row) { Value::Null } else { serde_json::from_slice(payloads.value(row)).unwrap() }
            };
            all[*origin as usize] = Some([text(&keys), text(&values)]);
        }
    }
    all
}

fn any_row() -> impl Strategy<Value = Row> {
    let double = prop_oneof![any::<i32>().prop_map(f64::from), -1e12..1e12, Just(-0.0), Just(1e300)];
    let text = prop_oneof![
        Just("12".to_owned()),
        Just("-7".to_owned()),
        Just("true".to_owned()),
        ".{0,6}",
        Just(" 1.5 ".to_owned())
    ];
    (
        any::<Option<i64>>(),
        double,
        any::<bool>(),
        text,
        (any::<Option<String>>(), any::<i64>()),
        prop::collection::vec(any::<i64>(), 0..3),
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn with_and_without_schema(rows in prop::collection::vec(any_row(), 1..6)) {
        let typed = typed(&rows);
        let payloads = json().encode("t", &typed).payloads;
        let decoded = json().decode("t", &payloads);
        let text = decoded.runs[0].column.clone();
        prop_assert!(text.is_schemaless());
        let batch = |value: Column| {
            let mut batch = Batch::of_values("topic", value);
            batch.timestamps = Some(Int64Array::from_iter_values(0..rows.len() as i64));
            batch
        };
        let mut chains: Vec<(&str, Vec<(&str, String)>)> = vec![
            ("ReplaceField$Value", vec![("exclude", "text".to_owned()), ("renames", "long:größe\",inner:a".to_owned())]),
            ("ReplaceField$Value", vec![("include", "inner,list".to_owned())]),
            ("ExtractField$Value", vec![("field", "inner".to_owned())]),
            ("ExtractField$Value", vec![("field", "long".to_owned())]),
            ("ExtractField$Value", vec![("field", "inner.x".to_owned()), ("field.syntax.version", "V2".to_owned())]),
            ("Flatten$Value", vec![("delimiter", "\"_".to_owned())]),
            ("HoistField$Value", vec![("field", "h\"\n".to_owned())]),
            ("InsertField$Value", vec![("topic.field", "t".to_owned()), ("timestamp.field", "at".to_owned()), ("static.field", "s!".to_owned()), ("static.value", "v\"".to_owned())]),
            ("MaskField$Value", vec![("fields", "long,double,boolean,text,list".to_owned())]),
            ("MaskField$Value", vec![("fields", "long,double,text".to_owned()), ("replacement", "1.5".to_owned())]),
            ("MaskField$Value", vec![("fields", "boolean".to_owned()), ("replacement", "1".to_owned())]),
            ("ValueToKey", vec![("fields", "text,long".to_owned())]),
        ];
        for to in ["int8", "int16", "int32", "int64", "float32", "float64", "boolean", "string"] {
            for field in ["long", "double", "boolean", "text", "list"] {
                chains.push(("Cast$Value", vec![("spec", format!("{field}:{to}"))]));
            }
        }
        for (class, settings) in chains {
            let with = made(class, &settings).apply(batch(typed.clone()));
            let without = made(class, &settings).apply(batch(text.clone()));
            prop_assert_eq!(written(&with, rows.len()), written(&without, rows.len()), "{} {:?}", class, settings);
        }
    }

    #[test]
    fn any_text_is_taken_without_panic(texts in prop::collection::vec(prop::option::of(prop_oneof![".{0,12}", "[{}\\[\\]\",:a0-9n.e\\\\ -]{0,24}"]), 1..5)) {
        let column = Column::schemaless(StringArray::from(texts));
        for (class, key, value) in [
            ("Cast$Value", "spec", "a:int8"), ("Cast$Value", "spec", "string"), ("ExtractField$Value", "field", "a"),
            ("Flatten$Value", "delimiter", "."), ("HoistField$Value", "field", "a"), ("InsertField$Value", "topic.field", "a"),
            ("MaskField$Value", "fields", "a"), ("ReplaceField$Value", "renames", "a:b"), ("ValueToKey", "fields", "a"),
        ] {
            let out = made(class, &[(key, value.to_owned())]).apply(Batch::of_values("t", column.clone()));
            let kept: usize = out.parts.iter().map(|(batch, _)| batch.len()).sum();
            prop_assert_eq!(kept + out.failures.len(), column.len());
        }
    }
}
