//! Predicates.

use millstream_plugins::predicate;

use super::{batch_of, read};
use crate::vectors::config_of;

#[test]
fn predicates_as_recorded() {
    let vectors = read("predicates");
    for vector in &vectors {
        let mut predicate = predicate(vector["predicate"].as_str().unwrap()).unwrap();
        let configured = predicate.configure(&config_of(vector));
        if vector.get("error").is_some() {
            assert!(configured.is_err(), "{vector}");
            continue;
        }
        configured.unwrap();
        // A record without topic there is one of a topic without name here.
        let mut record = vector["input"].clone();
        if record["topic"].is_null() {
            record["topic"] = "".into();
        }
        let holds = predicate.test(&batch_of(&record).unwrap());
        assert_eq!((holds.len(), Some(holds.value(0))), (1, vector["result"].as_bool()), "{vector}");
    }
    assert_eq!(vectors.len(), 16);
}
