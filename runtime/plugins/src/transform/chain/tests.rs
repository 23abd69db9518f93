use arrow::array::{Array, AsArray, Int32Array, StringArray};
use arrow::datatypes::{DataType, Field, Int32Type};
use bytes::Bytes;
use millstream_api::{Column, Header, Headers};

use super::*;

fn chain(settings: &[(&str, &str)], kind: ConnectorKind) -> Result<Chain> {
    Chain::from_config(&settings.iter().copied().collect(), kind)
}

/// Rows 0, 1, 2, ... whose value is their number, with a header `odd` on odd rows and a null for every third.
fn batch(rows: i32) -> Batch {
    let field = Arc::new(Field::new("value", DataType::Int32, true));
    let values: Int32Array = (0..rows).map(|row| (row % 3 != 2).then_some(row)).collect();
    let mut batch = Batch::of_values("t", Column::new(field, Arc::new(values)).unwrap());
    batch.timestamps = Some((0..rows).map(i64::from).collect());
    let odd = || Header::raw("odd", Some(Bytes::from_static(b"1")));
    batch.headers = Headers::from_rows((0..rows).map(|row| if row % 2 == 1 { vec![odd()] } else { vec![] }));
    batch
}

/// Topic, rows and values of each part; panics when a row lost what belongs to it.
fn shown(output: &ChainOutput) -> Vec<(String, Vec<u32>)> {
    let part = |(batch, rows): &(Batch, UInt32Array)| {
        for (place, row) in rows.values().iter().enumerate() {
            assert_eq!(batch.timestamps.as_ref().unwrap().value(place), i64::from(*row));
            assert_eq!(batch.value.is_null(place), row % 3 == 2);
            if !batch.value.is_null(place) && batch.value.array().data_type() == &DataType::Int32 {
                assert_eq!(batch.value.array().as_primitive::<Int32Type>().value(place), *row as i32);
            }
        }
        (batch.topic.to_string(), rows.values().to_vec())
    };
    output.parts.iter().map(part).collect()
}

const BY_HEADER: &[(&str, &str)] =
    &[("predicates", "p"), ("predicates.p.type", "HasHeaderKey"), ("predicates.p.name", "odd")];

fn with(more: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    BY_HEADER.iter().chain(more).copied().collect()
}

#[test]
fn without_transformations_a_batch_passes() {
    let mut chain = chain(&[], ConnectorKind::Sink).unwrap();
    assert!(chain.is_empty());
    assert_eq!(shown(&chain.apply(batch(3))), [("t".to_owned(), vec![0, 1, 2])]);
    assert!(chain.apply(batch(3).slice(0, 0)).parts.is_empty());
}

#[test]
fn a_predicate_chooses_and_negate_turns_it() {
    for (negate, left) in [("false", vec![0, 2, 4]), ("true", vec![1, 3])] {
        let settings = [
            ("transforms", "f"),
            ("transforms.f.type", "Filter"),
            ("transforms.f.predicate", "p"),
            ("transforms.f.negate", negate),
        ];
        let output = chain(&with(&settings), ConnectorKind::Source).unwrap().apply(batch(5));
        assert_eq!(shown(&output), [("t".to_owned(), left)]);
    }
}

#[test]
fn rows_that_went_past_come_back_to_their_places() {
    // Headers change, schemas do not: one batch again.
    let settings = [
        ("transforms", "d"),
        ("transforms.d.type", "DropHeaders"),
        ("transforms.d.headers", "odd"),
        ("transforms.d.predicate", "p"),
    ];
    let output = chain(&with(&settings), ConnectorKind::Sink).unwrap().apply(batch(5));
    assert_eq!(shown(&output), [("t".to_owned(), vec![0, 1, 2, 3, 4])]);
    assert!(output.parts[0].0.headers.is_empty());
}

#[test]
fn a_changed_topic_cuts_a_sinks_batch_but_only_parts_a_sources() {
    let settings = [
        ("transforms", "r"),
        ("transforms.r.type", "RegexRouter"),
        ("transforms.r.regex", "t"),
        ("transforms.r.replacement", "u"),
        ("transforms.r.predicate", "p"),
    ];
    let of = |topic: &str, rows: &[u32]| (topic.to_owned(), rows.to_vec());
    let sink = chain(&with(&settings), ConnectorKind::Sink).unwrap().apply(batch(4));
    assert_eq!(shown(&sink), [of("t", &[0]), of("u", &[1]), of("t", &[2]), of("u", &[3])]);
    let source = chain(&with(&settings), ConnectorKind::Source).unwrap().apply(batch(4));
    let mut parts = shown(&source);
    parts.sort();
    assert_eq!(parts, [of("t", &[0, 2]), of("u", &[1, 3])]);
}

#[test]
fn a_changed_schema_cuts_where_it_changes() {
    let settings = [
        ("transforms", "c"),
        ("transforms.c.type", "org.apache.kafka.connect.transforms.Cast$Value"),
        ("transforms.c.spec", "string"),
        ("transforms.c.predicate", "p"),
    ];
    let output = chain(&with(&settings), ConnectorKind::Source).unwrap().apply(batch(5));
    let rows: Vec<u32> = shown(&output).into_iter().flat_map(|(_, rows)| rows).collect();
    assert_eq!(rows, [0, 1, 2, 3, 4]);
    let strings = output.parts.iter().filter(|(batch, _)| batch.value.array().data_type() == &DataType::Utf8);
    assert_eq!(strings.map(|(_, rows)| rows.values().to_vec()).collect::<Vec<_>>(), [[1], [3]]);
}

#[test]
fn failures_name_the_row_of_the_input_and_the_transformation() {
    let settings = [
        ("transforms", "f, r"),
        ("transforms.f.type", "Filter"),
        ("transforms.f.predicate", "p"),
        ("transforms.r.type", "RegexRouter"),
        ("transforms.r.regex", ".*"),
        ("transforms.r.replacement", "$7"),
    ];
    let output = chain(&with(&settings), ConnectorKind::Sink).unwrap().apply(batch(5));
    assert!(output.parts.is_empty());
    let failures: Vec<_> = output.failures.iter().map(|f| (f.row, &*f.alias, f.class)).collect();
    let class = "org.apache.kafka.connect.transforms.RegexRouter";
    assert_eq!(failures, [(0, "r", class), (2, "r", class), (4, "r", class)]);
}

#[test]
fn rows_without_schema_join_those_with_one() {
    let typed = batch(2);
    let mut absent = Batch::of_values("t", Column::absent(1));
    absent.timestamps = Some(vec![5].into());
    let pieces = vec![(absent, UInt32Array::from(vec![1])), (typed, UInt32Array::from(vec![0, 2]))];
    let joined = order::in_order(pieces, true).unwrap();
    assert_eq!(joined.len(), 1);
    let (batch, rows) = &joined[0];
    assert_eq!(rows.values(), &[0, 1, 2]);
    let absent: Vec<bool> = (0..3).map(|row| batch.value.is_absent(row)).collect();
    assert_eq!(absent, [false, true, false]);
    assert_eq!(batch.value.array().as_primitive::<Int32Type>().value(2), 1);
    assert_eq!(batch.timestamps.as_ref().unwrap().values(), &[0, 5, 1]);
    assert_eq!(batch.headers.row(2).len(), 1);
}

#[test]
fn text_without_schema_is_a_schema_of_its_own() {
    let text = |topic: &str| Batch::of_values(topic, Column::schemaless(StringArray::from(vec!["1"])));
    let pieces = vec![(text("t"), UInt32Array::from(vec![1])), (batch(1), UInt32Array::from(vec![0]))];
    let parts = order::in_order(pieces, true).unwrap();
    assert_eq!(parts.iter().map(|(_, rows)| rows.value(0)).collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn consumed_offsets_follow_their_rows() {
    let settings = [
        ("transforms", "f,i"),
        ("transforms.f.type", "Filter"),
        ("transforms.f.predicate", "p"),
        ("transforms.i.type", "org.apache.kafka.connect.transforms.InsertField$Value"),
        ("transforms.i.offset.field", "o"),
    ];
    let mut batch = batch(4);
    batch.value = Column::schemaless(StringArray::from(vec!["{}"; 4]));
    let offsets = Int64Array::from(vec![10, 11, 12, 13]);
    let from = Consumed { partition: 1, offsets: &offsets };
    let output = chain(&with(&settings), ConnectorKind::Sink).unwrap().apply_consumed(batch, from);
    let texts = output.parts[0].0.value.array().as_string::<i32>();
    assert_eq!(texts.iter().flatten().collect::<Vec<_>>(), ["{\"o\":10}", "{\"o\":12}"]);
}

#[test]
fn what_is_wrong_names_its_key() {
    for (settings, key) in [
        (vec![("transforms", "a,a"), ("transforms.a.type", "Filter")], "transforms"),
        (vec![("transforms", "a")], "transforms.a."),
        (vec![("transforms", "a"), ("transforms.a.type", "Nope")], "transforms.a.type"),
        (vec![("transforms", "a"), ("transforms.a.type", "DropHeaders")], "transforms.a."),
        (
            vec![("transforms", "a"), ("transforms.a.type", "Filter"), ("transforms.a.negate", "true")],
            "transforms.a.predicate",
        ),
        (
            vec![("transforms", "a"), ("transforms.a.type", "Filter"), ("transforms.a.predicate", "p")],
            "transforms.a.predicate",
        ),
        (
            vec![
                ("transforms", "a"),
                ("transforms.a.type", "Filter"),
                ("transforms.a.predicate", "p"),
                ("predicates", "p"),
                ("predicates.p.type", "Filter"),
            ],
            "predicates.p.type",
        ),
    ] {
        let error = chain(&settings, ConnectorKind::Source).err().unwrap();
        assert_eq!(error.kind(), millstream_api::ErrorKind::Config);
        assert!(error.to_string().contains(key), "{error}");
    }
}
