//! Every Postgres type: schema and values, byte for byte as JsonConverter writes them.

use arrow::array::Array;
use millstream_api::{Column, Config, Error, Result};
use serde_json::Value;

use super::{json_converter, lines, name, object, play_cases, texts};
use crate::config::SourceConfig;
use crate::connect::connect;
use crate::instant::TimestampKind;
use crate::query::whole_table;
use crate::source::testing::{Chunk, ChunkBuilder, ChunkLimits, ChunkSink, TableShape, stream_rows};
use crate::tables::TableId;

/// A case that differs on purpose.
struct Difference {
    case: &'static str,
    /// Row of the list of defects.
    reason: u32,
    /// Records that have another payload than recorded, by number; records that the incumbent never delivered follow the last.
    payloads: &'static [(usize, &'static str)],
    /// Records that do not come.
    missing: &'static [usize],
    /// Rows that fail, each alone.
    failures: usize,
}

const fn difference(case: &'static str, reason: u32, payloads: &'static [(usize, &'static str)]) -> Difference {
    Difference { case, reason, payloads, missing: &[], failures: 0 }
}

const fn failing(case: &'static str, reason: u32, failures: usize, missing: &'static [usize]) -> Difference {
    Difference { case, reason, payloads: &[], missing, failures }
}

const DIFFERENCES: &[Difference] = &[
    difference("money-thousands", 31, &[(0, r#"{"id":1,"nn":1234.56,"nu":1234.56}"#)]),
    failing("bit4-big", 41, 1, &[]),
    failing("bit8-mid", 41, 1, &[]),
    failing("bit8-high", 41, 1, &[]),
    failing("date-infinity", 41, 1, &[]),
    failing("date-neg-infinity", 41, 1, &[]),
    difference("timetz-next-day", 32, &[(0, r#"{"id":1,"nn":19799999,"nu":19799999}"#)]),
    difference("timetz-prev-day", 32, &[(0, r#"{"id":1,"nn":39600000,"nu":39600000}"#)]),
    difference(
        "granularity-micros_long",
        33,
        &[
            (7, r#"{"id":8,"ts":-1,"tsn":-1,"tz":-1,"tzn":-1,"ts3":0,"d":19782,"tm":45296123}"#),
            (
                8,
                r#"{"id":9,"ts":-1500000,"tsn":-1500000,"tz":-1500000,"tzn":-1500000,"ts3":-1500000,"d":19782,"tm":45296123}"#,
            ),
        ],
    ),
    difference(
        "granularity-micros_string",
        33,
        &[
            (7, r#"{"id":8,"ts":"-1","tsn":"-1","tz":"-1","tzn":"-1","ts3":"0","d":19782,"tm":45296123}"#),
            (
                8,
                r#"{"id":9,"ts":"-1500000","tsn":"-1500000","tz":"-1500000","tzn":"-1500000","ts3":"-1500000","d":19782,"tm":45296123}"#,
            ),
        ],
    ),
    difference(
        "granularity-nanos_long",
        41,
        &[
            (7, r#"{"id":8,"ts":-1000,"tsn":-1000,"tz":-1000,"tzn":-1000,"ts3":0,"d":19782,"tm":45296123}"#),
            (
                8,
                r#"{"id":9,"ts":-1500000000,"tsn":-1500000000,"tz":-1500000000,"tzn":-1500000000,"ts3":-1500000000,"d":19782,"tm":45296123}"#,
            ),
            (
                10,
                r#"{"id":11,"ts":9223372036854775000,"tsn":9223372036854775000,"tz":9223372036854775000,"tzn":9223372036854775000,"ts3":9223372036854775807,"d":19782,"tm":45296123}"#,
            ),
        ],
    ),
    difference(
        "granularity-nanos_string",
        41,
        &[
            (7, r#"{"id":8,"ts":"-1000","tsn":"-1000","tz":"-1000","tzn":"-1000","ts3":"0","d":19782,"tm":45296123}"#),
            (
                8,
                r#"{"id":9,"ts":"-1500000000","tsn":"-1500000000","tz":"-1500000000","tzn":"-1500000000","ts3":"-1500000000","d":19782,"tm":45296123}"#,
            ),
        ],
    ),
    difference(
        "granularity-case-Micros_String",
        4,
        &[
            (
                0,
                r#"{"id":1,"ts":"1709210096000000","tsn":"1709210096000000","tz":"1709210096000000","tzn":"1709210096000000","ts3":"1709210096000000","d":19782,"tm":45296123}"#,
            ),
            (
                1,
                r#"{"id":2,"ts":"1709210096100000","tsn":"1709210096100000","tz":"1709210096100000","tzn":"1709210096100000","ts3":"1709210096100000","d":19782,"tm":45296123}"#,
            ),
            (
                2,
                r#"{"id":3,"ts":"1709210096123456","tsn":"1709210096123456","tz":"1709210096123456","tzn":"1709210096123456","ts3":"1709210096123000","d":19782,"tm":45296123}"#,
            ),
        ],
    ),
    difference(
        "gran-old-micros_long",
        33,
        &[
            (0, r#"{"id":1,"nn":-62135769599750000,"nu":-62135769599750000}"#),
            (4, r#"{"id":5,"nn":-62135769599750000,"nu":null}"#),
        ],
    ),
    difference("gran-old-micros_long", 34, &[(3, r#"{"id":4,"nn":9223372036854775807,"nu":9223372036854775807}"#)]),
    difference(
        "gran-old-micros_string",
        33,
        &[
            (0, r#"{"id":1,"nn":"-62135769599750000","nu":"-62135769599750000"}"#),
            (4, r#"{"id":5,"nn":"-62135769599750000","nu":null}"#),
        ],
    ),
    difference(
        "gran-old-micros_string",
        34,
        &[(3, r#"{"id":4,"nn":"9223372036854775807","nu":"9223372036854775807"}"#)],
    ),
    difference(
        "gran-infinity-micros_iso_datetime_string",
        36,
        &[(1, r#"{"id":2,"nn":"-292275055-05-16T23:00:00.000000","nu":"-292275055-05-16T23:00:00.000000"}"#)],
    ),
    difference(
        "gran-old-micros_iso_datetime_string",
        36,
        &[
            (0, r#"{"id":1,"nn":"0000-12-30T00:00:00.250000","nu":"0000-12-30T00:00:00.250000"}"#),
            (2, r#"{"id":3,"nn":"-0043-03-13T12:00:00.000000","nu":"-0043-03-13T12:00:00.000000"}"#),
            (4, r#"{"id":5,"nn":"0000-12-30T00:00:00.250000","nu":null}"#),
        ],
    ),
    difference(
        "gran-year9999-nanos_long",
        41,
        &[
            (0, r#"{"id":1,"nn":9223372036854775807,"nu":9223372036854775807}"#),
            (2, r#"{"id":3,"nn":9223372036854775807,"nu":null}"#),
        ],
    ),
    difference(
        "gran-old-nanos_long",
        41,
        &[
            (0, r#"{"id":1,"nn":-9223372036854775808,"nu":-9223372036854775808}"#),
            (3, r#"{"id":4,"nn":9223372036854775807,"nu":9223372036854775807}"#),
            (4, r#"{"id":5,"nn":-9223372036854775808,"nu":null}"#),
        ],
    ),
    difference(
        "gran-old-nanos_string",
        41,
        &[
            (0, r#"{"id":1,"nn":"-62135769599750000000","nu":"-62135769599750000000"}"#),
            (4, r#"{"id":5,"nn":"-62135769599750000000","nu":null}"#),
        ],
    ),
    difference(
        "gran-infinity-nanos_iso_datetime_string",
        41,
        &[(1, r#"{"id":2,"nn":"-292275055-05-16T23:00:00.000000000","nu":"-292275055-05-16T23:00:00.000000000"}"#)],
    ),
    difference(
        "gran-old-nanos_iso_datetime_string",
        41,
        &[
            (0, r#"{"id":1,"nn":"0000-12-30T00:00:00.250000000","nu":"0000-12-30T00:00:00.250000000"}"#),
            (2, r#"{"id":3,"nn":"-0043-03-13T12:00:00.000000000","nu":"-0043-03-13T12:00:00.000000000"}"#),
            (4, r#"{"id":5,"nn":"0000-12-30T00:00:00.250000000","nu":null}"#),
        ],
    ),
    difference("zone-New_York-micros_long", 33, &[(8, r#"{"id":9,"ts":17999500000,"tz":-500000,"d":-1}"#)]),
    difference("zone-New_York-micros_string", 33, &[(8, r#"{"id":9,"ts":"17999500000","tz":"-500000","d":-1}"#)]),
    difference("zone-New_York-nanos_long", 41, &[(8, r#"{"id":9,"ts":17999500000000,"tz":-500000000,"d":-1}"#)]),
    difference("zone-New_York-nanos_string", 41, &[(8, r#"{"id":9,"ts":"17999500000000","tz":"-500000000","d":-1}"#)]),
    difference("zone-Kolkata-micros_long", 33, &[(8, r#"{"id":9,"ts":-19800500000,"tz":-500000,"d":-1}"#)]),
    difference("zone-Kolkata-micros_string", 33, &[(8, r#"{"id":9,"ts":"-19800500000","tz":"-500000","d":-1}"#)]),
    difference("zone-Kolkata-nanos_long", 41, &[(8, r#"{"id":9,"ts":-19800500000000,"tz":-500000000,"d":-1}"#)]),
    difference("zone-Kolkata-nanos_string", 41, &[(8, r#"{"id":9,"ts":"-19800500000000","tz":"-500000000","d":-1}"#)]),
    difference("zone-time-America-New_York-235959p999999", 32, &[(0, r#"{"id":1,"nn":17999999,"nu":17999999}"#)]),
    difference("zone-time-Asia-Kolkata-000000", 32, &[(0, r#"{"id":1,"nn":66600000,"nu":66600000}"#)]),
    difference("zone-time-Asia-Kolkata-030000p5", 32, &[(0, r#"{"id":1,"nn":77400500,"nu":77400500}"#)]),
    difference("zone-time-Europe-London-000000", 32, &[(0, r#"{"id":1,"nn":82800000,"nu":82800000}"#)]),
    failing("numeric-nan-none", 41, 1, &[]),
    failing("numeric-bare-nan-none", 41, 1, &[]),
    failing("numeric-bare-infinity-none", 41, 1, &[]),
    failing("numeric-bare-frac-precision_only", 39, 4, &[0, 1, 2, 3]),
    failing("numeric-bare-big-precision_only", 39, 3, &[]),
    failing("numeric-nan-precision_only", 41, 1, &[]),
    failing("numeric-bare-nan-precision_only", 41, 1, &[]),
    failing("numeric-bare-infinity-precision_only", 41, 1, &[]),
    failing("numeric-bare-frac-best_fit", 39, 4, &[0, 1, 2, 3]),
    failing("numeric-bare-big-best_fit", 39, 3, &[]),
    failing("numeric-bare-nan-best_fit", 41, 1, &[]),
    failing("numeric-bare-infinity-best_fit", 41, 1, &[]),
    failing("numeric-bare-frac-best_fit_eager_double", 39, 4, &[0, 1, 2, 3]),
    failing("numeric-bare-big-best_fit_eager_double", 39, 3, &[]),
    failing("numeric-bare-nan-best_fit_eager_double", 41, 1, &[]),
    failing("numeric-bare-infinity-best_fit_eager_double", 41, 1, &[]),
    failing("numeric-bare-127-limit-best_fit", 39, 1, &[2]),
    failing("numeric-bare-1000-precision_only", 39, 1, &[]),
    failing("numeric-bare-1000-best_fit", 39, 1, &[]),
    failing("numeric-infinity-none", 41, 1, &[]),
    failing("numeric-bare-128-best_fit", 39, 1, &[]),
];

#[derive(Default)]
struct Collected {
    values: Vec<Column>,
    failures: Vec<Error>,
}

impl ChunkSink for Collected {
    async fn chunk(&mut self, chunk: Chunk, _: TimestampKind) -> Result<()> {
        self.values.push(chunk.value);
        self.failures.extend(chunk.failures);
        Ok(())
    }
}

async fn read(settings: &Config) -> Collected {
    let config = SourceConfig::parse(settings).unwrap();
    let table = TableId::new("public", "t");
    let mut session = connect(&config.connection).await.unwrap();
    let facts = crate::catalog::columns(&mut session.connection, &table).await.unwrap();
    let shape = TableShape::new(&table, &facts.columns, config.types, None);
    let sql = whole_table("\"public\".\"t\"", config.quoting, &facts.columns, &shape.read);
    let clock = config.types.clock;
    let mut builder = ChunkBuilder::new(table.clone(), shape, None, clock, None, ChunkLimits::default(), true);
    let mut collected = Collected::default();
    let kind = TimestampKind::WithoutZone;
    stream_rows(&mut session, &sql, &table, &mut builder, kind, &mut collected).await.unwrap();
    if let Some(rest) = builder.finish().unwrap() {
        collected.chunk(rest, kind).await.unwrap();
    }
    collected
}

fn payloads(column: &Column, settings: &Config) -> Vec<String> {
    let encoded = json_converter(settings).encode("t", column);
    assert!(encoded.failures.is_empty(), "{:?}", encoded.failures);
    let payloads = encoded.payloads;
    (0..payloads.len()).map(|i| String::from_utf8(payloads.value(i).to_vec()).unwrap()).collect()
}

fn compare(case: &Value, collected: &Collected, converter: &Config) -> Result<(), String> {
    let mut expected: Vec<Option<String>> =
        texts(&case["payloads"]).into_iter().map(|payload| Some(payload.to_owned())).collect();
    let mut failures = 0;
    for difference in DIFFERENCES.iter().filter(|difference| difference.case == name(case)) {
        for (record, payload) in difference.payloads {
            expected.resize(expected.len().max(record + 1), None);
            expected[*record] = Some((*payload).to_owned());
        }
        for record in difference.missing {
            expected[*record] = None;
        }
        failures += difference.failures;
    }
    let mut wrong = Vec::new();
    if collected.failures.len() != failures {
        wrong.push(format!("failures: {:?}", collected.failures));
    }
    let expected = expected.into_iter().flatten().map(|payload| match &case["schema"] {
        Value::Null => payload,
        schema => format!("{{\"schema\":{schema},\"payload\":{payload}}}"),
    });
    let mut got = collected.values.iter().flat_map(|column| payloads(column, converter));
    let mut expected = expected.fuse();
    for record in 0.. {
        match (expected.next(), got.next()) {
            (None, None) => break,
            (one, other) if one == other => {}
            (one, other) => wrong.push(format!("{record}: recorded {one:?}\n   got {other:?}")),
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

#[test]
fn every_difference_is_of_a_case() {
    let cases = lines(include_str!("../../../../tests/golden/jdbc/types.jsonl"));
    for difference in DIFFERENCES {
        assert!(cases.iter().any(|case| name(case) == difference.case), "{}", difference.case);
        assert!((1..=41).contains(&difference.reason));
    }
}

#[tokio::test]
async fn values_are_as_recorded() {
    let recording = include_str!("../../../../tests/golden/jdbc/types.jsonl");
    let wrong = play_cases(recording, async |database, case| {
        let mut config = database.config([
            ("mode", "timestamp"),
            ("table.whitelist", "t"),
            ("timestamp.column.name", "unused"),
            ("topic.prefix", "x."),
        ]);
        let mut converter = Config::new();
        for (key, value) in object(&case["config"]) {
            let value = value.as_str().unwrap();
            match key.strip_prefix("value.converter.") {
                Some(key) => converter.set(key, value),
                None => config.set(key, value),
            }
        }
        if case["schema"].is_null() {
            converter.set("schemas.enable", "false");
        }
        let collected = read(&config).await;
        compare(case, &collected, &converter).err().into_iter().collect()
    })
    .await;
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n\n"));
}
