//! Transformations, predicates and header converters in tasks.

mod headers;
mod letters;
mod sink;
mod source;

use millstream_api::{Batch, Header, Headers};

const FILTER: &str = "org.apache.kafka.connect.transforms.Filter";
const HOIST: &str = "org.apache.kafka.connect.transforms.HoistField$Value";
const INSERT: &str = "org.apache.kafka.connect.transforms.InsertField$Value";
const CAST: &str = "org.apache.kafka.connect.transforms.Cast$Value";
const ROUTER: &str = "org.apache.kafka.connect.transforms.RegexRouter";
const HAS_HEADER: &str = "org.apache.kafka.connect.transforms.predicates.HasHeaderKey";
const JSON: &str = "org.apache.kafka.connect.json.JsonConverter";
const INTEGER: &str = "org.apache.kafka.connect.converters.IntegerConverter";

/// Rows with the header `drop` are dropped.
const DROP: [(&str, &str); 5] = [
    ("transforms.drop.type", FILTER),
    ("transforms.drop.predicate", "marked"),
    ("predicates", "marked"),
    ("predicates.marked.type", HAS_HEADER),
    ("predicates.marked.name", "drop"),
];

/// The headers that `marks` names for each row, without values.
fn marked(batch: Batch, marks: impl Fn(usize) -> Vec<&'static str>) -> Batch {
    let rows = (0..batch.len()).map(|row| marks(row).into_iter().map(|mark| Header::raw(mark, None)).collect());
    Batch { headers: Headers::from_rows(rows), ..batch }
}
