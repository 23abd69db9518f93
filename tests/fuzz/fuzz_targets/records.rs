//! Records of the config, status and offsets topics: key and value are split at the first newline.
#![no_main]

use libfuzzer_sys::fuzz_target;
use millstream_core::cluster::{ClusterState, ConfigRecord, OffsetTable, StatusTable, offset_counts};

fuzz_target!(|bytes: &[u8]| {
    let (mut state, mut statuses, mut offsets) = (ClusterState::new(), StatusTable::new(), OffsetTable::new());
    // A zero byte separates records: states that only a sequence reaches are reached too.
    for (offset, record) in (0..).zip(bytes.split(|byte| *byte == 0)) {
        let mut parts = record.splitn(2, |byte| *byte == b'\n');
        let (key, value) = (parts.next().unwrap_or_default(), parts.next());
        offset_counts(value);
        if let Ok(record) = ConfigRecord::decode(key, value) {
            if !matches!(record, ConfigRecord::Unknown { .. }) {
                let (key, value) = record.encode();
                assert_eq!(ConfigRecord::decode(key.as_bytes(), value.as_deref()).ok(), Some(record.clone()));
            }
            state.apply(record, offset);
        }
        let _ = statuses.apply(key, value);
        let _ = offsets.apply(key, value, Some(offset));
    }
});
