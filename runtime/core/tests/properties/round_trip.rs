//! What is written reads back as it was, and is written the same again.

use millstream_core::cluster::{ConfigRecord, OffsetKey, Status, StatusKey, TopicStatus, decode_offset, encode_offset};
use proptest::prelude::*;

use crate::kinds::*;

proptest! {
    #[test]
    fn config_records_read_back(record in config_records()) {
        let (key, value) = record.encode();
        let read = ConfigRecord::decode(key.as_bytes(), value.as_deref()).unwrap();
        prop_assert_eq!(&read, &record);
        let (key_again, value_again) = read.encode();
        prop_assert_eq!(key_again, key);
        if !matches!(record, ConfigRecord::Task { .. }) {
            prop_assert_eq!(value_again, value);
        }
    }

    #[test]
    fn statuses_read_back(key in status_keys(), status in statuses()) {
        prop_assert_eq!(&StatusKey::decode(key.encode().as_bytes()).unwrap(), &key);
        prop_assert_eq!(Status::decode(&key, &status.encode().unwrap()).unwrap(), status);
    }

    #[test]
    fn topics_read_back(status in topic_statuses()) {
        let key = status.key();
        prop_assert_eq!(&StatusKey::decode(key.encode().as_bytes()).unwrap(), &key);
        prop_assert_eq!(TopicStatus::decode(&key, &status.encode()).unwrap(), status);
    }

    #[test]
    fn offsets_read_back(key in offset_keys(), offset in flat_maps()) {
        let bytes = key.encode();
        let read = OffsetKey::decode(&bytes).unwrap();
        prop_assert_eq!(&read, &key);
        prop_assert_eq!(read.encode(), bytes, "the order of the map is part of the key");
        let bytes = encode_offset(&offset);
        prop_assert_eq!(decode_offset(Some(&bytes)).unwrap().unwrap(), offset);
    }
}
