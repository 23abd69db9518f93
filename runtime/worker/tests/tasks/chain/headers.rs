//! Headers from a source through a topic to a sink, by both kinds of header converters.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BinaryArray, BooleanArray, Int32Array, StringArray, TimestampMillisecondArray};
use arrow::datatypes::{Field, FieldRef};
use millstream_api::{Column, Header, HeaderValue, Headers, schema};
use millstream_testbed::{Topics, shared, unique};

use super::JSON;
use crate::harness::{LIMIT, Tasks, until};

/// One header of each kind, and a null without schema.
fn own() -> Vec<Header> {
    let typed = |key: &str, array: ArrayRef| {
        let field: FieldRef = Arc::new(Field::new("", array.data_type().clone(), true));
        Header::typed(key, Arc::new(Column::new(field, array).unwrap()), 0)
    };
    vec![
        typed("number", Arc::new(Int32Array::from(vec![5]))),
        typed("text", Arc::new(StringArray::from(vec!["some text"]))),
        typed("flag", Arc::new(BooleanArray::from(vec![true]))),
        typed("bytes", Arc::new(BinaryArray::from(vec![b"\x01\x02".as_slice()]))),
        typed("time", Arc::new(TimestampMillisecondArray::from(vec![1_700_000_000_000]).with_timezone("UTC"))),
        typed("number", Arc::new(Int32Array::from(vec![None]))),
        Header::typed("nothing", Arc::new(Column::absent(1)), 0),
    ]
}

/// The headers that the sink gets of a record with [`own`], and their bytes in the topic.
async fn through(converter: &[(&str, &str)]) -> (Vec<Header>, Vec<(String, Option<String>)>) {
    let kafka = shared().kafka().await.unwrap();
    let (topics, topic) = (Topics::new(kafka.bootstrap()), unique("headers"));
    topics.create(&topic, 1, &[]).await.unwrap();
    let tasks = Tasks::new(&kafka.bootstrap(), &topic).await;
    *tasks.lines.shape.lock() = Some(Box::new(|mut batch, _| {
        batch.headers = Headers::from_rows([own(), vec![]]);
        batch
    }));
    let source = tasks.source(&topic, converter);
    tasks.lines.add(["with".to_owned(), "without".to_owned()]);
    let records = topics.read_at_least(&topic, 2, LIMIT).await.unwrap();
    tasks.stop(source).await;
    let sink = tasks.sink(0, &topic, converter);
    until("both are put", async || tasks.book.taken.lock().iter().map(|batch| batch.len()).sum::<usize>() == 2).await;
    tasks.stop(sink).await;
    let got = tasks.book.taken.lock().iter().flat_map(|b| b.batch.headers.row(0).to_vec()).collect();
    assert!(records[1].headers.is_empty());
    let text = |bytes: &Vec<u8>| String::from_utf8(bytes.clone()).unwrap();
    (got, records[0].headers.iter().map(|(key, value)| (key.clone(), value.as_ref().map(text))).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn json_keeps_their_types() {
    let (got, _) = through(&[("header.converter", JSON), ("header.converter.schemas.enable", "true")]).await;
    let shown = |header: &Header| match &header.value {
        HeaderValue::Typed(value) => {
            let column = value.to_column();
            let null = column.is_null(0);
            (header.key.clone(), column.field().data_type().clone(), null, column.is_absent(0))
        }
        HeaderValue::Raw(_) => panic!("{} is still bytes", header.key),
    };
    assert_eq!(got.iter().map(shown).collect::<Vec<_>>(), own().iter().map(shown).collect::<Vec<_>>());
    let values = |headers: &[Header]| {
        let value = |header: &Header| match &header.value {
            HeaderValue::Typed(value) if !value.to_column().is_absent(0) => Some(value.to_column().array().to_data()),
            _ => None,
        };
        headers.iter().map(value).collect::<Vec<_>>()
    };
    assert_eq!(values(&got), values(&own()));
}

#[tokio::test(flavor = "multi_thread")]
async fn by_default_they_are_text_and_what_it_looks_like() {
    let (got, bytes) = through(&[]).await;
    let texts: Vec<_> = bytes.iter().map(|(key, value)| (key.as_str(), value.as_deref())).collect();
    let expected = [
        ("number", Some("5")),
        ("text", Some("some text")),
        ("flag", Some("true")),
        ("bytes", Some("AQI=")),
        ("time", Some("2023-11-14T22:13:20.000Z")),
        ("number", None),
        ("nothing", None),
    ];
    assert_eq!(texts, expected);
    let types: Vec<String> = got
        .iter()
        .map(|header| match &header.value {
            HeaderValue::Typed(value) if value.to_column().is_null(0) => "null".to_owned(),
            HeaderValue::Typed(value) => value.column().field().data_type().to_string(),
            HeaderValue::Raw(_) => "raw".to_owned(),
        })
        .collect();
    let time = schema::timestamp_type().to_string();
    assert_eq!(types, ["Int8", "Utf8", "Boolean", "Utf8", time.as_str(), "null", "null"]);
}
