//! Nanoseconds per row of JsonConverter, both directions, on generated orders of twelve columns.
//!
//! `cargo run --release -p millstream-plugins --example json_speed [rows]`

use std::sync::Arc;
use std::time::Instant;

use arrow::array::*;
use arrow::datatypes::{DataType, Field, Fields};
use millstream_api::{Column, Config, Converter, ConverterRole, schema};
use millstream_plugins::converter;

const ROUNDS: usize = 20;

fn orders(rows: usize) -> Column {
    let field = |name: &str, data_type: DataType, optional: bool| Arc::new(Field::new(name, data_type, optional));
    let fields = Fields::from(vec![
        field("id", DataType::Int64, false),
        field("customer_id", DataType::Int64, false),
        field("status", DataType::Utf8, false),
        Arc::new(schema::decimal_field("amount", 2, true)),
        field("quantity", DataType::Int32, false),
        field("discount", DataType::Float64, true),
        field("paid", DataType::Boolean, false),
        field("note", DataType::Utf8, true),
        field("address", DataType::Utf8, true),
        field("day", DataType::Date32, true),
        field("created_at", schema::timestamp_type(), false),
        field("updated_at", schema::timestamp_type(), false),
    ]);
    let ids = 0..rows as i64;
    let texts = |make: &dyn Fn(i64) -> Option<String>| Arc::new(StringArray::from_iter(ids.clone().map(make)));
    let stamps = |start: i64| {
        let stamps = TimestampMillisecondArray::from_iter_values(ids.clone().map(|id| start + id * 37));
        Arc::new(stamps.with_timezone("UTC"))
    };
    let amounts =
        Decimal128Array::from_iter(ids.clone().map(|id| (id % 50 != 0).then_some(i128::from(id) * 7919 % 1_000_000)));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from_iter_values(ids.clone())),
        Arc::new(Int64Array::from_iter_values(ids.clone().map(|id| id * 2_654_435_761 % 1_000_000))),
        texts(&|id| Some(["new", "paid", "shipped", "returned"][id as usize % 4].to_owned())),
        Arc::new(amounts.with_precision_and_scale(38, 2).expect("a scale")),
        Arc::new(Int32Array::from_iter_values(ids.clone().map(|id| (id % 17) as i32))),
        Arc::new(Float64Array::from_iter(ids.clone().map(|id| (id % 3 != 0).then_some((id % 1000) as f64 / 40.0)))),
        Arc::new(BooleanArray::from_iter(ids.clone().map(|id| Some(id % 2 == 0)))),
        texts(&|id| (id % 4 != 0).then(|| format!("left at the door, parcel {id}, please ring twice"))),
        texts(&|id| Some(format!("{} Königsallee, 40212 Düsseldorf", id % 300))),
        Arc::new(Date32Array::from_iter_values(ids.clone().map(|id| 19_000 + (id % 400) as i32))),
        stamps(1_700_000_000_000),
        stamps(1_700_000_100_000),
    ];
    let array = StructArray::new(fields.clone(), columns, None);
    let root = Field::new("value", DataType::Struct(fields), false);
    let root = schema::with_meta(root, [(schema::NAME, "orders".to_owned())]);
    Column::new(Arc::new(root), Arc::new(array)).expect("a column")
}

fn json(settings: &[(&str, &str)]) -> Box<dyn Converter> {
    let mut json = converter("JsonConverter").expect("JsonConverter is there");
    let config: Config = settings.iter().copied().collect();
    json.configure(&config, ConverterRole::Value).expect("settings are right");
    json
}

/// The fastest of some rounds, in nanoseconds per row.
fn best(rows: usize, mut work: impl FnMut()) -> f64 {
    let time = |work: &mut dyn FnMut()| {
        let start = Instant::now();
        work();
        start.elapsed().as_nanos() as f64 / rows as f64
    };
    (0..ROUNDS).map(|_| time(&mut work)).fold(f64::INFINITY, f64::min)
}

fn main() {
    let rows = std::env::args().nth(1).and_then(|rows| rows.parse().ok()).unwrap_or(10_000);
    let column = orders(rows);
    println!("{:<34}{:>10}{:>12}{:>12}", "12 columns", "bytes/row", "encode ns", "decode ns");
    for (name, settings) in [
        ("envelopes, decimals as base64", &[("schemas.enable", "true")][..]),
        ("envelopes, decimals as numbers", &[("decimal.format", "NUMERIC")]),
        ("plain JSON", &[("schemas.enable", "false"), ("decimal.format", "NUMERIC")]),
    ] {
        let mut converter = json(settings);
        let payloads = converter.encode("orders", &column).payloads;
        let encode = best(rows, || assert!(converter.encode("orders", &column).failures.is_empty()));
        let decode = best(rows, || {
            let decoded = converter.decode("orders", &payloads);
            assert!(decoded.failures.is_empty() && decoded.runs.len() == 1);
        });
        println!("{name:<34}{:>10}{encode:>12.0}{decode:>12.0}", payloads.value_data().len() / rows);
    }
}
