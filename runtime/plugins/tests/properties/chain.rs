//! Chains: a row fares as it does alone, and rows stay in order.

use std::collections::HashMap;

use arrow::array::{Array, Int64Array, StringArray, UInt32Array, make_array};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use bytes::Bytes;
use millstream_api::{Batch, Column, Config, ConnectorKind, Consumed, Header, HeaderValue, Headers};
use millstream_plugins::{Chain, ChainOutput};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::any_column::{Shape, any_leaf, column};

/// Transformations that any batch can go through, and some that fail for part of them.
const STAGES: &[&[(&str, &str)]] = &[
    &[("type", "Filter")],
    &[("type", "DropHeaders"), ("headers", "odd")],
    &[("type", "InsertHeader"), ("header", "new"), ("value.literal", "[1,\"x\"]")],
    &[("type", "RegexRouter"), ("regex", "t(.*)"), ("replacement", "u$1")],
    &[("type", "TimestampRouter"), ("topic.format", "${topic}-${timestamp}"), ("timestamp.format", "ss")],
    &[("type", "org.apache.kafka.connect.transforms.HoistField$Value"), ("field", "a")],
    &[("type", "org.apache.kafka.connect.transforms.ExtractField$Value"), ("field", "a")],
    &[("type", "org.apache.kafka.connect.transforms.Cast$Value"), ("spec", "string")],
    &[
        ("type", "org.apache.kafka.connect.transforms.HeaderFrom$Value"),
        ("fields", "a"),
        ("headers", "h"),
        ("operation", "copy"),
    ],
    &[("type", "org.apache.kafka.connect.transforms.SetSchemaMetadata$Value"), ("schema.name", "n")],
    &[
        ("type", "org.apache.kafka.connect.transforms.TimestampConverter$Value"),
        ("target.type", "string"),
        ("format", "yyyy"),
    ],
    &[("type", "org.apache.kafka.connect.transforms.InsertField$Value"), ("timestamp.field", "ts")],
];

fn settings(stages: &[(usize, u8)]) -> Config {
    let mut config: Config = [
        ("predicates", "odd,tombstone,topic"),
        ("predicates.odd.type", "HasHeaderKey"),
        ("predicates.odd.name", "odd"),
        ("predicates.tombstone.type", "RecordIsTombstone"),
        ("predicates.topic.type", "TopicNameMatches"),
        ("predicates.topic.pattern", "u.*|.*0"),
    ]
    .into_iter()
    .collect();
    let aliases: Vec<String> = (0..stages.len()).map(|place| format!("s{place}")).collect();
    config.set("transforms", aliases.join(","));
    for ((stage, condition), alias) in stages.iter().zip(&aliases) {
        for (key, value) in STAGES[*stage] {
            config.set(format!("transforms.{alias}.{key}"), *value);
        }
        let predicate = ["", "odd", "tombstone", "topic"][usize::from(condition % 4)];
        if !predicate.is_empty() {
            config.set(format!("transforms.{alias}.predicate"), predicate);
            config.set(format!("transforms.{alias}.negate"), (condition / 4 % 2 == 1).to_string());
        }
    }
    config
}

fn batch(shape: Option<&Shape>, rows: usize, seed: u64) -> Batch {
    let bit = |row: usize, of: u32| seed.rotate_left(of).wrapping_mul(row as u64 + 3).is_multiple_of(3);
    let value = match shape {
        Some(shape) => column(shape, rows, seed),
        None => {
            let texts = ["{\"a\":1}", "\"2020\"", "17", "{\"b\":null}", "[true]"];
            Column::schemaless(
                (0..rows).map(|row| Some(texts[(seed as usize + row) % texts.len()])).collect::<StringArray>(),
            )
        }
    };
    // An absent row is null in the array too.
    let absent = BooleanBuffer::collect_bool(rows, |row| bit(row, 5));
    let nulls = NullBuffer::union(value.array().nulls(), Some(&NullBuffer::new(!&absent)));
    let array = value.array().to_data().into_builder().nulls(nulls).build().unwrap();
    let value = Column::new(value.field().clone(), make_array(array)).unwrap().with_absent(absent);
    let mut batch = Batch::of_values("t", value);
    batch.timestamps = Some(
        (0..rows).map(|row| (!bit(row, 9)).then_some((seed % 7 * row as u64) as i64 * 700)).collect::<Int64Array>(),
    );
    let odd = |row: usize| if bit(row, 17) { vec![Header::raw("odd", Some(Bytes::from_static(b"1")))] } else { vec![] };
    batch.headers = Headers::from_rows((0..rows).map(odd));
    batch
}

/// What became of each row, as text.
fn fates(output: &ChainOutput, rows: usize, kind: ConnectorKind) -> Result<Vec<String>, TestCaseError> {
    let mut fates = vec!["dropped".to_owned(); rows];
    let mut last: HashMap<String, u32> = HashMap::new();
    for (batch, origins) in &output.parts {
        prop_assert!(!batch.is_empty() && batch.len() == origins.len());
        for (place, row) in origins.values().iter().enumerate() {
            let lane = if kind == ConnectorKind::Sink { String::new() } else { batch.topic.to_string() };
            prop_assert!(last.insert(lane, *row).is_none_or(|last| last < *row), "rows out of order");
            fates[*row as usize] = shown(&batch.take(&UInt32Array::from(vec![place as u32])).unwrap());
        }
    }
    for failure in &output.failures {
        prop_assert_eq!(&fates[failure.row], "dropped");
        fates[failure.row] = format!("failed in {}", failure.alias);
    }
    Ok(fates)
}

fn shown(batch: &Batch) -> String {
    let cell = |column: &Column| match column.is_absent(0) {
        true => "absent".to_owned(),
        false => format!("{:?} {:?}", column.field(), column.array()),
    };
    let headers: Vec<String> = batch
        .headers
        .row(0)
        .iter()
        .map(|header| match &header.value {
            HeaderValue::Raw(bytes) => format!("{} {bytes:?}", header.key),
            HeaderValue::Typed(value) => format!("{} {}", header.key, cell(&value.to_column())),
        })
        .collect();
    let time = batch.timestamps.as_ref().map(|times| times.is_valid(0).then(|| times.value(0)));
    format!("{} {time:?} {} {} {headers:?}", batch.topic, cell(&batch.key), cell(&batch.value))
}

fn apply(chain: &mut Chain, batch: Batch, kind: ConnectorKind) -> ChainOutput {
    let offsets = Int64Array::from_iter_values(0..batch.len() as i64);
    match kind {
        ConnectorKind::Source => chain.apply(batch),
        ConnectorKind::Sink => chain.apply_consumed(batch, Consumed { partition: 0, offsets: &offsets }),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_row_fares_as_it_does_alone(
        shape in prop::option::of(any_leaf()),
        stages in vec((0..STAGES.len(), any::<u8>()), 0..5),
        rows in 1..12usize,
        seed: u64,
        sink: bool,
    ) {
        let kind = if sink { ConnectorKind::Sink } else { ConnectorKind::Source };
        let batch = batch(shape.as_ref(), rows, seed);
        let mut chain = Chain::from_config(&settings(&stages), kind).unwrap();
        let together = fates(&apply(&mut chain, batch.clone(), kind), rows, kind)?;
        let mut alone = Vec::new();
        for row in 0..rows {
            alone.extend(fates(&apply(&mut chain, batch.slice(row, 1), kind), 1, kind)?);
        }
        prop_assert_eq!(together, alone);
    }
}

#[test]
fn many_parts_are_put_in_order_in_no_time() {
    let settings = settings(&[(4, 0), (3, 1), (7, 1)]);
    let mut chain = Chain::from_config(&settings, ConnectorKind::Sink).unwrap();
    let mut batch = Batch::of_values("t", Column::schemaless((0..50_000).map(|_| Some("1")).collect::<StringArray>()));
    batch.timestamps = Some((0..50_000).map(|row| row * 1_000).collect());
    let rows: usize = apply(&mut chain, batch, ConnectorKind::Sink).parts.iter().map(|(batch, _)| batch.len()).sum();
    assert_eq!(rows, 50_000);
}
