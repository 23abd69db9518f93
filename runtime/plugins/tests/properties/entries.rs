//! Maps without schema: transformations that edit their entries in one go do what each does alone, to texts with and without an outline;
//! and an outline says where the entries are.

use arrow::array::{Array, AsArray, BinaryArray, Int32Array, Int64Array};
use millstream_api::{Batch, Column, Config, ConnectorKind, Consumed, Converter, ConverterRole, HeaderValue};
use millstream_plugins::{Chain, converter};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::value::RawValue;

const STAGES: &[&[(&str, &str)]] = &[
    &[("type", "ReplaceField$Value"), ("exclude", "a,größe"), ("renames", "b:c,c:b,é:a")],
    &[("type", "ReplaceField$Value"), ("include", "a,b,c"), ("renames", "a:b")],
    &[("type", "ReplaceField$Value"), ("exclude", "nothing")],
    &[("type", "Cast$Value"), ("spec", "a:string,c:int32")],
    &[("type", "Cast$Value"), ("spec", "b:boolean")],
    &[("type", "MaskField$Value"), ("fields", "b,d")],
    &[("type", "InsertField$Value"), ("static.field", "a"), ("static.value", "x\""), ("timestamp.field", "b")],
    &[("type", "InsertField$Value"), ("partition.field", "p"), ("topic.field", "c"), ("timestamp.field", "c")],
    &[("type", "InsertField$Value"), ("offset.field", "o!")],
    &[("type", "TimestampConverter$Value"), ("field", "c"), ("target.type", "string"), ("format", "yyyy")],
    &[("type", "ValueToKey"), ("fields", "b,größe")],
    &[("type", "ExtractField$Value"), ("field", "c")],
    &[("type", "HeaderFrom$Value"), ("fields", "a,d"), ("headers", "h,i"), ("operation", "move")],
    &[("type", "Flatten$Value")],
    &[("type", "HoistField$Value"), ("field", "d")],
];

fn chain(stages: &[usize]) -> Chain {
    let mut config = Config::default();
    let aliases: Vec<String> = (0..stages.len()).map(|place| format!("s{place}")).collect();
    config.set("transforms", aliases.join(","));
    for (stage, alias) in stages.iter().zip(&aliases) {
        for (key, value) in STAGES[*stage] {
            let value = if *key == "type" {
                format!("org.apache.kafka.connect.transforms.{value}")
            } else {
                (*value).to_owned()
            };
            config.set(format!("transforms.{alias}.{key}"), value);
        }
    }
    Chain::from_config(&config, ConnectorKind::Sink).unwrap()
}

fn json() -> Box<dyn Converter> {
    let mut json = converter("JsonConverter").unwrap();
    json.configure(&[("schemas.enable", "false")].into_iter().collect(), ConverterRole::Value).unwrap();
    json
}

fn decoded(payloads: &BinaryArray) -> Column {
    json().decode("t", payloads).runs.remove(0).column
}

/// The payloads of key and value, and the headers, of each row that is left; what failed the others.
type Fates = Vec<Result<(Option<String>, Option<String>, Vec<Option<String>>), String>>;

fn fates(chains: &mut [Chain], batch: &Batch, offsets: &Int64Array) -> Fates {
    let mut fates: Fates = vec![Ok(Default::default()); batch.len()];
    let mut pieces = vec![(batch.clone(), (0..batch.len() as u32).collect::<Vec<_>>())];
    for chain in chains {
        for (batch, rows) in std::mem::take(&mut pieces) {
            let offsets = Int64Array::from_iter_values(rows.iter().map(|row| offsets.value(*row as usize)));
            let done = chain.apply_consumed(batch, Consumed { partition: 7, offsets: &offsets });
            for failure in done.failures {
                fates[rows[failure.row] as usize] = Err(format!("{} {}", failure.class, failure.error));
            }
            let outer =
                |inner: &arrow::array::UInt32Array| inner.values().iter().map(|row| rows[*row as usize]).collect();
            pieces.extend(done.parts.into_iter().map(|(batch, inner)| (batch, outer(&inner))));
        }
    }
    for (batch, rows) in pieces {
        check_outline(&batch.value);
        let [keys, values] = [&batch.key, &batch.value].map(|column| json().encode("t", column).payloads);
        let text = |payloads: &BinaryArray, place: usize| {
            payloads.is_valid(place).then(|| String::from_utf8(payloads.value(place).to_vec()).unwrap())
        };
        for (place, row) in rows.iter().enumerate() {
            let headers = batch.headers.row(place).iter().map(|header| match &header.value {
                HeaderValue::Typed(value) => text(&json().encode("t", &value.to_column()).payloads, 0),
                HeaderValue::Raw(_) => None,
            });
            fates[*row as usize] = Ok((text(&keys, place), text(&values, place), headers.collect()));
        }
    }
    fates
}

/// Pairs of name and value as they are written.
fn entries(text: &str) -> Vec<(String, String)> {
    struct Entries(Vec<(String, String)>);
    impl<'de> serde::de::Visitor<'de> for Entries {
        type Value = Self;
        fn expecting(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            Ok(())
        }
        fn visit_map<A: serde::de::MapAccess<'de>>(mut self, mut map: A) -> Result<Self, A::Error> {
            while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
                self.0.push((name, value.get().to_owned()));
            }
            Ok(self)
        }
    }
    use serde::Deserializer;
    serde_json::Deserializer::from_str(text).deserialize_map(Entries(Vec::new())).map_or(Vec::new(), |found| found.0)
}

fn check_outline(column: &Column) {
    let Some(outline) = column.outline() else { return };
    let texts = column.array().as_string::<i32>();
    assert_eq!(outline.len(), texts.len());
    for row in 0..texts.len() {
        let (mut start, text) = (1, texts.value(row));
        let outlined = outline.row(row).iter().map(|entry| {
            let (colon, end) = (entry.colon as usize, entry.end as usize);
            let name = serde_json::from_str(&text[start..colon]).unwrap();
            start = end + 1;
            (name, text[colon + 1..end].to_owned())
        });
        assert_eq!(outlined.collect::<Vec<(String, String)>>(), entries(text), "{text}");
    }
}

fn any_text() -> impl Strategy<Value = String> {
    let name = prop_oneof![Just("a"), Just("b"), Just("c"), Just("d"), Just("größe"), Just("\\u00e9"), Just("x\\\"")];
    let value = prop_oneof![
        Just("1"),
        Just("-0.5e3"),
        Just("null"),
        Just("true"),
        Just("\"17\""),
        Just("\"a , \\\" b\""),
        Just("[1 , {}]"),
        Just("{ \"a\" : 1,\"b\":{}}"),
        Just("1700000000000"),
        Just("0012")
    ];
    let blank = || prop_oneof![6 => Just(""), 1 => Just(" "), 1 => Just("\n\t")];
    let entry = (name, value, blank(), blank());
    let map = (vec(entry, 0..6), blank()).prop_map(|(entries, end)| {
        let entries: Vec<String> = entries
            .iter()
            .map(|(name, value, before, behind)| format!("{before}\"{name}\"{behind}:{before}{value}{behind}"))
            .collect();
        format!("{{{}{end}}}", entries.join(","))
    });
    prop_oneof![8 => map, 1 => Just("[1]".to_owned()), 1 => Just(" null".to_owned()), 1 => Just("{}".to_owned())]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn together_as_one_after_the_other(
        texts in vec(prop::option::weighted(0.9, any_text()), 1..8),
        repeats in 1..3usize,
        stages in vec(0..STAGES.len(), 1..5),
        seed: u32,
    ) {
        let texts: Vec<_> = texts.iter().flat_map(|text| std::iter::repeat_n(text.as_deref(), repeats)).collect();
        let payloads: BinaryArray = texts.iter().map(|text| text.map(str::as_bytes)).collect();
        let offsets = Int64Array::from_iter_values((0..texts.len()).map(|row| 100 + row as i64));
        let batch = |value: Column| {
            let bit = |row: usize| (seed >> (row % 32)) & 1 == 1;
            let mut batch = Batch::of_values("topic", value);
            batch.timestamps = Some((0..texts.len()).map(|row| bit(row).then_some(row as i64)).collect());
            batch.partitions = Some((0..texts.len()).map(|row| bit(row + 5).then_some(row as i32)).collect::<Int32Array>());
            batch
        };
        let outlined = decoded(&payloads);
        prop_assume!(outlined.is_schemaless());
        check_outline(&outlined);
        // The same texts, as if nobody had looked into them.
        let plain = Column::schemaless(outlined.array().as_string::<i32>().clone());
        let plain = outlined.absent_rows().map_or(plain.clone(), |absent| plain.with_absent(absent.clone()));
        let mut each: Vec<Chain> = stages.iter().map(|stage| chain(&[*stage])).collect();
        let one_by_one = fates(&mut each, &batch(outlined.clone()), &offsets);
        prop_assert_eq!(&fates(&mut [chain(&stages)], &batch(outlined.clone()), &offsets), &one_by_one);
        prop_assert_eq!(&fates(&mut [chain(&stages)], &batch(plain.clone()), &offsets), &one_by_one);
        prop_assert_eq!(&fates(&mut each, &batch(plain), &offsets), &one_by_one);
        // A part of the rows fares as it does among all.
        let cut = seed as usize % (texts.len() + 1);
        let rest = batch(outlined).slice(cut, texts.len() - cut);
        prop_assert_eq!(&fates(&mut [chain(&stages)], &rest, &offsets.slice(cut, texts.len() - cut))[..], &one_by_one[cut..]);
    }
}
