//! Predicates: which records a transformation applies to.

mod has_header_key;
mod record_is_tombstone;
mod topic_name_matches;

pub(crate) use has_header_key::{DEF as HAS_HEADER_KEY, HasHeaderKey};
pub(crate) use record_is_tombstone::{DEF as RECORD_IS_TOMBSTONE, RecordIsTombstone};
pub(crate) use topic_name_matches::{DEF as TOPIC_NAME_MATCHES, TopicNameMatches};
