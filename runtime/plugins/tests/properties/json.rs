//! JsonConverter, and arbitrary bytes for all converters.

use arrow::array::{Array, BinaryArray};
use arrow::datatypes::FieldRef;
use millstream_api::{Config, Converter, ConverterRole, Decoded, RowFailure, schema};
use millstream_plugins::{converter, header_converter};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::any_column::{any_shape, column};

fn json(settings: &[(&str, &str)]) -> Box<dyn Converter> {
    let mut json = converter("JsonConverter").unwrap();
    json.configure(&settings.iter().copied().collect::<Config>(), ConverterRole::Value).unwrap();
    json
}

/// Row, schema and value as text, for every row; failures as their row.
fn rows(decoded: &Decoded, from: usize) -> Vec<(usize, FieldRef, String)> {
    let mut rows = Vec::new();
    for run in &decoded.runs {
        for row in run.rows.clone() {
            let column = run.column.slice(row - run.rows.start, 1);
            let value = if column.is_null(0) { "null".to_owned() } else { format!("{:?}", column.array()) };
            rows.push((row + from, run.column.field().clone(), value));
        }
    }
    rows
}

fn covers(decoded: &Decoded, rows: usize) -> bool {
    let ends = decoded.runs.iter().try_fold(0, |next, run| (run.rows.start == next).then_some(run.rows.end));
    let whole = decoded.runs.iter().all(|run| run.rows.len() == run.column.len());
    whole && ends == Some(rows) && decoded.failures.iter().all(|RowFailure { row, .. }| *row < rows)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_written_is_read_back(shape in any_shape(), count in 1..6usize, seed: u64, numeric: bool) {
        let column = column(&shape, count, seed);
        let format = if numeric { "NUMERIC" } else { "BASE64" };
        let mut json = json(&[("decimal.format", format)]);
        let encoded = json.encode("t", &column);
        // A null under a required root is the one thing that cannot be written.
        prop_assert!(encoded.failures.is_empty(), "{:?}", encoded.failures);
        for row in 0..count {
            prop_assert!(serde_json::from_slice::<serde::de::IgnoredAny>(encoded.payloads.value(row)).is_ok());
        }
        let decoded = json.decode("t", &encoded.payloads);
        prop_assert!(decoded.failures.is_empty(), "{:?}", decoded.failures);
        prop_assert_eq!(decoded.runs.len(), 1);
        let read = &decoded.runs[0].column;
        prop_assert!(schema::same(read.field(), column.field()), "{:?}\n{:?}", read.field(), column.field());
        prop_assert_eq!(read.array().to_data(), column.array().to_data());
    }

    #[test]
    fn a_batch_may_be_cut_anywhere(shapes in vec(any_shape(), 1..4), order in vec((0..5usize, 0..4usize), 1..12), cut: prop::sample::Index, seed: u64) {
        let mut writer = json(&[]);
        let written: Vec<BinaryArray> = shapes.iter().map(|shape| writer.encode("t", &column(shape, 4, seed)).payloads).collect();
        // Any order of rows of these schemas, nulls and text that is no envelope.
        let payloads: Vec<Option<&[u8]>> = order
            .iter()
            .map(|(which, row)| match which {
                3 => None,
                4 => Some(b"{\"schema\":".as_slice()),
                which => Some(written[which % written.len()].value(*row)),
            })
            .collect();
        let whole = json(&[]).decode("t", &BinaryArray::from_opt_vec(payloads.clone()));
        prop_assert!(covers(&whole, payloads.len()));
        let cut = cut.index(payloads.len());
        let (first, second) = payloads.split_at(cut);
        let mut reader = json(&[]);
        let (first, second) = (
            reader.decode("t", &BinaryArray::from_opt_vec(first.to_vec())),
            reader.decode("t", &BinaryArray::from_opt_vec(second.to_vec())),
        );
        let values = |rows: Vec<(usize, FieldRef, String)>| rows.into_iter().map(|(row, _, value)| (row, value)).collect::<Vec<_>>();
        let parts: Vec<_> = values(rows(&first, 0)).into_iter().chain(values(rows(&second, cut))).collect();
        prop_assert_eq!(values(rows(&whole, 0)), parts);
        prop_assert_eq!(whole.failures.len(), first.failures.len() + second.failures.len());
    }

    #[test]
    fn any_bytes_are_taken_without_panic(payloads in vec(prop::option::of(vec(any::<u8>(), 0..40)), 0..6)) {
        let input = BinaryArray::from_iter(payloads);
        for (class, settings) in [
            ("JsonConverter", ("schemas.enable", "true")),
            ("JsonConverter", ("schemas.enable", "false")),
            ("JsonConverter", ("schema.content", r#"{"type":"map","keys":{"type":"int8"},"values":{"type":"bytes"}}"#)),
            ("StringConverter", ("converter.encoding", "UTF-8")),
            ("StringConverter", ("converter.encoding", "UTF-16")),
            ("StringConverter", ("converter.encoding", "Shift_JIS")),
            ("ByteArrayConverter", ("converter.type", "key")),
            ("BooleanConverter", ("converter.type", "key")),
            ("ShortConverter", ("converter.type", "key")),
            ("DoubleConverter", ("converter.type", "key")),
            ("SimpleHeaderConverter", ("converter.type", "header")),
        ] {
            let mut made = header_converter(class).unwrap();
            made.configure(&[settings].into_iter().collect(), ConverterRole::Key).unwrap();
            let decoded = made.decode("t", &input);
            prop_assert!(covers(&decoded, input.len()));
            for run in &decoded.runs {
                made.encode("t", &run.column);
            }
        }
    }

    #[test]
    fn spoilt_envelopes_are_taken_without_panic(shape in any_shape(), seed: u64, spots in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4), cut: prop::sample::Index) {
        let mut json = json(&[]);
        let written = json.encode("t", &column(&shape, 2, seed)).payloads;
        let mut spoilt = written.value(0).to_vec();
        for (spot, byte) in &spots {
            let spot = spot.index(spoilt.len());
            // Mostly bytes that mean something to JSON.
            spoilt[spot] = if byte % 2 == 0 { b"{}[]\",:\\0-e.n"[usize::from(byte / 2) % 13] } else { *byte };
        }
        let half = &written.value(1)[..cut.index(written.value(1).len())];
        let input = BinaryArray::from_vec(vec![written.value(0), &spoilt, half, written.value(1)]);
        let decoded = json.decode("t", &input);
        prop_assert!(covers(&decoded, 4));
        prop_assert!(decoded.failures.iter().all(|failure| failure.row == 1 || failure.row == 2));
    }
}
