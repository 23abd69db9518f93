//! Bytes of any kind, and good records with some bytes changed.

use millstream_core::cluster::{ClusterState, ConfigRecord, OffsetTable, StatusTable, encode_offset, offset_counts};
use proptest::prelude::*;

use crate::kinds::*;

type Raw = (Vec<u8>, Option<Vec<u8>>);

fn good() -> BoxedStrategy<Raw> {
    prop_oneof![
        config_records().prop_map(|record| {
            let (key, value) = record.encode();
            (key.into_bytes(), value)
        }),
        (status_keys(), statuses()).prop_map(|(key, status)| (key.encode().into_bytes(), status.encode())),
        topic_statuses().prop_map(|status| (status.key().encode().into_bytes(), Some(status.encode()))),
        (offset_keys(), flat_maps()).prop_map(|(key, offset)| (key.encode(), Some(encode_offset(&offset)))),
    ]
    .boxed()
}

/// Puts other bytes in the place of some.
fn changed(bytes: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let pieces = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..3),
        prop::sample::select(vec!["{", "}", "[", "\"", "\\u", "null", "-1", "1e999", "99999999999999999999", ":", "-"])
            .prop_map(|text| text.as_bytes().to_vec()),
    ];
    (bytes, any::<prop::sample::Index>(), 0..6usize, pieces).prop_map(|(mut bytes, at, len, piece)| {
        let at = at.index(bytes.len() + 1);
        let end = bytes.len().min(at + len);
        bytes.splice(at..end, piece);
        bytes
    })
}

fn records() -> BoxedStrategy<Raw> {
    let any_bytes = || prop::collection::vec(any::<u8>(), 0..40);
    prop_oneof![
        good(),
        (good(), any_bytes()).prop_map(|((key, _), value)| (key, Some(value))),
        good().prop_flat_map(|(key, value)| (changed(Just(key)), Just(value))),
        good().prop_flat_map(|(key, value)| (Just(key), changed(Just(value.unwrap_or_default())).prop_map(Some))),
        (any_bytes(), prop::option::of(any_bytes())),
    ]
    .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn no_record_is_fatal(records in prop::collection::vec((records(), any::<i64>()), 0..20)) {
        let (mut state, mut table, mut offsets) = (ClusterState::new(), StatusTable::new(), OffsetTable::new());
        for ((key, value), offset) in records {
            let value = value.as_deref();
            offset_counts(value);
            if let Ok(record) = ConfigRecord::decode(&key, value) {
                if !matches!(record, ConfigRecord::Unknown { .. }) {
                    let (key, value) = record.encode();
                    prop_assert_eq!(ConfigRecord::decode(key.as_bytes(), value.as_deref()).unwrap(), record.clone());
                }
                for change in state.apply(record, offset) {
                    let _ = format!("{change:?}");
                }
            }
            let _ = table.apply(&key, value);
            let _ = offsets.apply(&key, value, Some(offset));
        }
        for name in state.connectors() {
            let ids = state.task_ids(name);
            // A count of billions is believed, but no more than what is there can run.
            prop_assert!(ids.iter().take(100).all(|id| state.task_config(id).is_some()));
        }
        for name in table.connectors() {
            for key in table.keys(name) {
                prop_assert!(!key.encode().is_empty());
            }
        }
    }

    #[test]
    fn errors_show_no_values(key in "(connector-|commit-|target-state-|session-key|logger-cluster-|task-a-|status-connector-)a?", secret in "[{\\[\" ]{0,3}SECRET[}\\]\" ,:]{0,3}") {
        for error in [
            ConfigRecord::decode(key.as_bytes(), Some(secret.as_bytes())).err(),
            StatusTable::new().apply(key.as_bytes(), Some(secret.as_bytes())).err(),
            OffsetTable::new().apply(secret.as_bytes(), Some(secret.as_bytes()), None).err(),
            OffsetTable::new().apply(br#"["c",{}]"#, Some(secret.as_bytes()), None).err(),
        ] {
            let text = format!("{error:?}");
            prop_assert!(!text.contains("SECRET"), "{}", text);
        }
    }

    #[test]
    fn no_properties_file_is_fatal(
        begin in prop::sample::select(vec![&b""[..], b"\xfe\xff", b"\xff\xfe", b"\xef\xbb\xbf"]),
        text in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let text = [begin, &text].concat();
        let _ = millstream_core::properties::parse(&text, "f");
        let _ = millstream_core::properties::parse_utf8(&text, "f");
    }

    #[test]
    fn no_line_of_a_properties_file_is_fatal(text in "([a#! :=\\\\\\t\\fu0é\\r\\n]|\\\\u[0-9a-fA-F]{0,5}){0,40}") {
        let _ = millstream_core::properties::parse(text.as_bytes(), "f");
        let _ = millstream_core::properties::parse_utf8(text.as_bytes(), "f");
    }
}
