//! Schemas and values at random.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use millstream_api::schema::{DATE, DECIMAL, TIME, TIMESTAMP};
use serde_json::{Map, Value, json};

use super::dice::Dice;

pub const NAMES: [&str; 16] =
    ["a", "b", "c", "a.b", "b.c", "x y", "größe", "Ω😀", "a`b", "with \"q\"", "\\", "A", "id", "", "a:b", "ts"];

/// Texts that are numbers to someone.
pub const NUMBERS: [&str; 46] = [
    "12",
    "-7",
    "+5",
    " 12 ",
    "12.5",
    "1e3",
    "0x10",
    "NaN",
    "Infinity",
    "-Infinity",
    "true",
    "TRUE",
    "tRuE",
    "false",
    "yes",
    "",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775809",
    "128",
    "-129",
    "32768",
    "1_000",
    "1.5f",
    "1d",
    "-1.5E-3D",
    "0x1p3",
    "0x1.8p1f",
    "١٢",
    " ",
    "1e400",
    "-1e-400",
    "-0",
    "-0.0",
    "00012",
    "1,000",
    ".5",
    "5.",
    "--1",
    "2147483648",
    "3.4e39",
    "0.1",
    "16777217",
    "1e",
    "nan",
    "\u{2003}3",
];

const TEXTS: [&str; 12] =
    ["", "x", "hello world", "größe", "😀", "\"quoted\"", "a\nb", "\\", "\u{0}", "null", "{\"a\":1}", "2024-02-29"];

pub fn name(dice: &mut Dice) -> String {
    dice.word(&NAMES)
}

/// A schema of moderate depth.
pub fn schema(dice: &mut Dice, depth: usize) -> Value {
    if depth > 0 && dice.chance(30) {
        return match dice.below(5) {
            0 => {
                let items = schema(dice, depth - 1);
                with_attributes(dice, json!({"type": "ARRAY", "items": items}))
            }
            1 => {
                let keys = if dice.chance(70) { json!({"type": "STRING", "optional": false}) } else { leaf(dice) };
                let mut keys = keys;
                keys["optional"] = false.into();
                if let Some(keys) = keys.as_object_mut() {
                    keys.remove("default");
                }
                if matches!(keys["type"].as_str(), Some("BYTES" | "FLOAT32" | "FLOAT64")) {
                    keys = json!({"type": "INT32", "optional": false});
                }
                let values = schema(dice, depth - 1);
                with_attributes(dice, json!({"type": "MAP", "keys": keys, "values": values}))
            }
            _ => structure(dice, depth - 1),
        };
    }
    leaf(dice)
}

/// A schema of a struct.
pub fn structure(dice: &mut Dice, depth: usize) -> Value {
    let mut fields: Vec<Value> = Vec::new();
    for _ in 0..dice.below(6) {
        let name = name(dice);
        if fields.iter().all(|field| field["field"] != name) {
            fields.push(json!({"field": name, "schema": schema(dice, depth)}));
        }
    }
    with_attributes(dice, json!({"type": "STRUCT", "fields": fields}))
}

/// A schema without depth.
pub fn leaf(dice: &mut Dice) -> Value {
    const PLAIN: [&str; 9] = ["INT8", "INT16", "INT32", "INT64", "FLOAT32", "FLOAT64", "BOOLEAN", "STRING", "BYTES"];
    let logical = |kind: &str, name: &str| json!({"type": kind, "name": name, "version": 1});
    let schema = match dice.below(14) {
        0 => logical("INT32", DATE),
        1 => logical("INT32", TIME),
        2 => logical("INT64", TIMESTAMP),
        3 => {
            let scale = dice.pick(&["0", "2", "10", "37", "-3", "40", "100"]);
            json!({"type": "BYTES", "name": DECIMAL, "version": 1, "parameters": {"scale": scale}})
        }
        4 => json!({"type": "STRING"}),
        _ => json!({"type": dice.pick(&PLAIN)}),
    };
    with_attributes(dice, schema)
}

fn with_attributes(dice: &mut Dice, mut schema: Value) -> Value {
    schema["optional"] = dice.chance(50).into();
    if schema.get("name").is_none() && dice.chance(15) {
        schema["name"] = dice.word(&["io.example.Näme", "n", ""]).into();
        if dice.chance(50) {
            schema["version"] = dice.pick(&[0, 1, -1, 7]).into();
        }
        if dice.chance(30) {
            schema["parameters"] = json!({"z": "1", "a": "\"q\""});
        }
    } else if schema.get("name").is_none() && dice.chance(4) {
        schema["version"] = 3.into();
    }
    if dice.chance(8) {
        schema["doc"] = "what \"it\" is\n".into();
    }
    // Defaults of what holds others are out of the ordinary.
    let holds = matches!(schema["type"].as_str(), Some("STRUCT" | "MAP" | "ARRAY"));
    if dice.chance(if holds { 3 } else { 25 }) {
        let mut some = schema.clone();
        some["optional"] = false.into();
        let default = match schema["type"].as_str() {
            // Whose text is the same in every notation.
            Some("FLOAT32") => json!({"t": "float32", "v": dice.whole(12) as f64 / 8.0}),
            Some("FLOAT64") => json!({"t": "float64", "v": dice.whole(12) as f64 / 8.0}),
            _ => value(dice, &some),
        };
        // A float that JSON has no number for has no text as a default here.
        let of_struct = default.to_string().contains(r#""t":"struct""#);
        if of_struct {
            // Its schema would be another one to Java.
        } else if !default["v"].is_string() || default["t"] == "string" || default["t"] == "bytes" {
            schema["default"] = default;
        }
    }
    schema
}

/// A value of a schema.
pub fn value(dice: &mut Dice, schema: &Value) -> Value {
    if schema["optional"] == true && dice.chance(25) {
        return Value::Null;
    }
    let tagged = |kind: &str, v: Value| json!({"t": kind, "v": v});
    let name = schema["name"].as_str().unwrap_or_default();
    match (schema["type"].as_str().unwrap(), name) {
        ("INT32", DATE) => json!({"t": "date", "ms": i64::from(dice.whole(32) as i32) * 86_400_000}),
        ("INT32", TIME) => json!({"t": "date", "ms": dice.whole(40).rem_euclid(86_400_000)}),
        ("INT64", TIMESTAMP) => json!({"t": "date", "ms": time(dice)}),
        ("BYTES", DECIMAL) => {
            let digits = if dice.chance(70) { 12 } else { 37 };
            let mut unscaled: String =
                (0..=dice.below(digits)).map(|_| char::from(b'0' + dice.below(10) as u8)).collect();
            unscaled = unscaled.trim_start_matches('0').to_owned();
            let unscaled = match unscaled.as_str() {
                "" => "0".to_owned(),
                some if dice.chance(40) => format!("-{some}"),
                some => some.to_owned(),
            };
            let scale: i64 = schema["parameters"]["scale"].as_str().unwrap().parse().unwrap();
            json!({"t": "decimal", "unscaled": unscaled, "scale": scale})
        }
        ("INT8", _) => tagged("int8", dice.whole(8).into()),
        ("INT16", _) => tagged("int16", dice.whole(16).into()),
        ("INT32", _) => tagged("int32", dice.whole(32).into()),
        ("INT64", _) => tagged("int64", if dice.chance(30) { time(dice) } else { dice.whole(64) }.into()),
        ("FLOAT32", _) => {
            let float = float(dice) as f32;
            match float.is_finite() {
                true => json!({"t": "float32", "v": float, "bits": format!("{:08x}", float.to_bits())}),
                false => tagged("float32", special(float.into()).into()),
            }
        }
        ("FLOAT64", _) => {
            let float = float(dice);
            match float.is_finite() {
                true => json!({"t": "float64", "v": float, "bits": format!("{:016x}", float.to_bits())}),
                false => tagged("float64", special(float).into()),
            }
        }
        ("BOOLEAN", _) => tagged("boolean", dice.chance(50).into()),
        ("STRING", _) => tagged("string", text(dice).into()),
        ("BYTES", _) => {
            let bytes: Vec<u8> = (0..dice.below(9)).map(|_| dice.next() as u8).collect();
            tagged("bytes", STANDARD.encode(bytes).into())
        }
        ("ARRAY", _) => {
            let items: Vec<Value> = (0..dice.below(4)).map(|_| value(dice, &schema["items"])).collect();
            tagged("array", items.into())
        }
        ("MAP", _) => {
            let mut entries: Vec<Value> = Vec::new();
            for _ in 0..dice.below(4) {
                let key = value(dice, &schema["keys"]);
                if entries.iter().all(|entry| entry[0] != key) {
                    entries.push(json!([key, value(dice, &schema["values"])]));
                }
            }
            tagged("map", entries.into())
        }
        _ => {
            let fields = schema["fields"].as_array().unwrap().iter();
            let fields = fields.map(|f| (f["field"].as_str().unwrap().to_owned(), value(dice, &f["schema"])));
            tagged("struct", Value::Object(fields.collect::<Map<_, _>>()))
        }
    }
}

/// Epoch milliseconds: odd ones, and any.
pub fn time(dice: &mut Dice) -> i64 {
    match dice.below(6) {
        0 => dice.pick(&[
            0,
            -1,
            1,
            86_399_999,
            86_400_000,
            1_483_425_001_864,
            253_402_300_800_000,
            -12_219_292_800_000,
            -12_219_292_800_001,
            -62_135_769_600_000,
            -62_167_219_200_001,
            1_709_164_800_000,
        ]),
        1 => dice.whole(64),
        2 => dice.whole(48),
        3 => dice.whole(30),
        _ => dice.whole(42),
    }
}

fn float(dice: &mut Dice) -> f64 {
    match dice.below(6) {
        0 => dice.pick(&[0.0, -0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN_POSITIVE, 5e-324]),
        1 => dice.pick(&[1e7, 9_999_999.0, 1e-3, 0.001_5, 9.999e-4, 1e21, 2e-3, 1.0e10, 123_456_789.125, 2e23]),
        2 => dice.whole(20) as f64 / 8.0,
        3 => dice.whole(64) as f64,
        4 => dice.whole(40) as f64 / 1e5,
        _ => match f64::from_bits(dice.next()) {
            float if float.is_nan() => f64::NAN,
            float => float,
        },
    }
}

fn special(float: f64) -> &'static str {
    if float.is_nan() {
        "NaN"
    } else if float > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    }
}

pub fn text(dice: &mut Dice) -> String {
    match dice.below(3) {
        0 => dice.word(&NUMBERS),
        1 => dice.word(&TEXTS),
        _ => dice.whole(40).to_string(),
    }
}

/// A value without schema, as JSON may have it.
pub fn json_value(dice: &mut Dice, depth: usize) -> Value {
    let kind = dice.below(if depth > 0 { 10 } else { 7 });
    match kind {
        0 => Value::Null,
        1 => json!({"t": "boolean", "v": dice.chance(50)}),
        2 | 3 => json!({"t": "int64", "v": if dice.chance(30) { time(dice) } else { dice.whole(64) }}),
        4 => {
            let number = float(dice);
            let number = if number.is_finite() && number != 0.0 { number } else { 2.5 };
            json!({"t": "float64", "v": number})
        }
        5 | 6 => json!({"t": "string", "v": text(dice)}),
        7 => {
            let items: Vec<Value> = (0..dice.below(4)).map(|_| json_value(dice, depth - 1)).collect();
            json!({"t": "array", "v": items})
        }
        _ => json_map(dice, depth - 1),
    }
}

/// A map without schema.
pub fn json_map(dice: &mut Dice, depth: usize) -> Value {
    let mut entries: Vec<Value> = Vec::new();
    for _ in 0..dice.below(6) {
        let name = name(dice);
        if entries.iter().all(|entry| entry[0]["v"] != name) {
            entries.push(json!([{"t": "string", "v": name}, json_value(dice, depth)]));
        }
    }
    json!({"t": "map", "v": entries})
}
