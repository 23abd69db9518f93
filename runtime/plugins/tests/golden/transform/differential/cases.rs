//! Cases for every transformation and predicate: settings and records that have to do with each other.

use serde_json::{Map, Value, json};

use super::dice::Dice;
use super::patterns::{date_pattern, date_text, expression, replacement, topic};
use super::values::{json_map, json_value, leaf, name, schema, structure, text, time, value};

/// What cases can be made of.
pub const SUBJECTS: [&str; 19] = [
    "Cast",
    "DropHeaders",
    "ExtractField",
    "Filter",
    "Flatten",
    "HeaderFrom",
    "HoistField",
    "InsertField",
    "InsertHeader",
    "MaskField",
    "RegexRouter",
    "ReplaceField",
    "SetSchemaMetadata",
    "TimestampConverter",
    "TimestampRouter",
    "ValueToKey",
    "predicates.HasHeaderKey",
    "predicates.RecordIsTombstone",
    "predicates.TopicNameMatches",
];

const PACKAGE: &str = "org.apache.kafka.connect.transforms";

/// Whose two forms are for keys and for values.
const OF_PARTS: [&str; 10] = [
    "Cast",
    "ExtractField",
    "Flatten",
    "HeaderFrom",
    "HoistField",
    "InsertField",
    "MaskField",
    "ReplaceField",
    "SetSchemaMetadata",
    "TimestampConverter",
];

type Config = Map<String, Value>;

/// A few cases of one configuration, whose records have one schema.
pub fn cases(subject: &str, dice: &mut Dice) -> Vec<Value> {
    let on_key = OF_PARTS.contains(&subject) && dice.chance(20);
    let class = match OF_PARTS.contains(&subject) {
        true => format!("{PACKAGE}.{subject}${}", if on_key { "Key" } else { "Value" }),
        false => format!("{PACKAGE}.{subject}"),
    };
    let mut sample = Sample::new(dice, on_key);
    let mut config = Config::new();
    configure(subject, &mut sample, &mut config, dice);
    if OF_PARTS.contains(&subject) || subject == "ValueToKey" {
        let given = dice.chance(35);
        if given && !matches!(subject, "Flatten" | "HoistField") {
            let replace = dice.pick(&["false", "false", "false", "true", "FALSE", "no"]);
            config.insert("replace.null.with.default".to_owned(), replace.into());
        }
    }
    if dice.chance(3) && !config.is_empty() {
        let key = dice.pick(&config.keys().cloned().collect::<Vec<_>>());
        match dice.below(3) {
            0 => drop(config.remove(&key)),
            1 => drop(config.insert(key, "".into())),
            _ => drop(config.insert(key, Value::Null)),
        }
    }
    let kind = if subject.starts_with("predicates") { "predicate" } else { "transform" };
    let records = if sample.declared.is_null() { 1 + dice.below(4) } else { 1 + dice.below(2) };
    (0..records).map(|_| json!({kind: class, "config": config, "input": sample.record(dice)})).collect()
}

/// What the records of a configuration are like.
pub struct Sample {
    on_key: bool,
    source: bool,
    topic: String,
    /// The schema of the part that matters; null for none.
    pub declared: Value,
    other: Value,
    /// One value of it, for its names.
    pub example: Value,
    /// A maker of values in place of what the schema would say.
    pub texts: Option<String>,
}

impl Sample {
    fn new(dice: &mut Dice, on_key: bool) -> Self {
        let declared = match dice.below(10) {
            0..=4 => structure(dice, 2),
            5 => schema(dice, 2),
            _ => Value::Null,
        };
        let example = if declared.is_null() { json_map(dice, 2) } else { Value::Null };
        let other = if dice.chance(50) { Value::Null } else { schema(dice, 1) };
        let topic = if dice.chance(70) { "test".to_owned() } else { topic(dice) };
        Self { on_key, source: dice.chance(40), topic, declared, other, example, texts: None }
    }

    /// Names of the fields there are.
    fn names(&self) -> Vec<String> {
        let fields = self.declared["fields"].as_array().into_iter().flatten();
        let fields = fields.filter_map(|field| field["field"].as_str());
        let entries = self.example["v"].as_array().into_iter().flatten().filter_map(|entry| entry[0]["v"].as_str());
        fields.chain(entries).map(str::to_owned).collect()
    }

    /// Mostly the name of a field that is there.
    fn name(&self, dice: &mut Dice) -> String {
        let names = self.names();
        if names.is_empty() || dice.chance(15) { name(dice) } else { dice.pick(&names) }
    }

    fn value(&self, dice: &mut Dice) -> Value {
        if let Some(pattern) = &self.texts {
            let text = json!({"t": "string", "v": date_text(dice, pattern)});
            return match self.declared["type"].as_str() {
                Some("STRING") => text,
                Some("STRUCT") => {
                    let mut value = value(dice, &self.declared);
                    if let Some(fields) = value["v"].as_object_mut()
                        && fields.contains_key("ts")
                    {
                        fields.insert("ts".to_owned(), text);
                    }
                    value
                }
                _ => json!({"t": "map", "v": [[{"t": "string", "v": "ts"}, text]]}),
            };
        }
        if !self.declared.is_null() {
            return value(dice, &self.declared);
        }
        match dice.below(10) {
            0 => Value::Null,
            1 => json_value(dice, 2),
            2 => json_map(dice, 2),
            // The same names again, other values.
            _ => {
                let mut value = self.example.clone();
                for entry in value["v"].as_array_mut().into_iter().flatten().filter(|entry| entry.is_array()) {
                    if dice.chance(50) {
                        entry[1] = json_value(dice, 1);
                    }
                }
                value
            }
        }
    }

    fn record(&self, dice: &mut Dice) -> Value {
        let value_here = self.value(dice);
        let other = if self.other.is_null() { Value::Null } else { value(dice, &self.other) };
        let (key, key_schema, value, value_schema) = match self.on_key {
            true => (&value_here, &self.declared, &other, &self.other),
            false => (&other, &self.other, &value_here, &self.declared),
        };
        let timestamp = if dice.chance(10) { Value::Null } else { time(dice).into() };
        let headers: Vec<Value> = (0..dice.below(3))
            .map(|_| {
                let schema = leaf(dice);
                json!({"key": dice.word(&["h", "a", "H", "größe", "", "x.y"]), "schema": schema, "value": super::values::value(dice, &schema)})
            })
            .collect();
        let mut record = json!({
            "kind": if self.source { "source" } else { "sink" }, "topic": self.topic, "partition": 3, "timestamp": timestamp,
            "key_schema": key_schema, "key": key, "value_schema": value_schema, "value": value, "headers": headers,
        });
        if self.source {
            if dice.chance(50) {
                record["partition"] = Value::Null;
            }
        } else {
            record["offset"] = 42.into();
            record["timestamp_type"] = "CREATE_TIME".into();
        }
        record
    }
}

fn configure(subject: &str, sample: &mut Sample, config: &mut Config, dice: &mut Dice) {
    let mut set = |key: &str, value: String| drop(config.insert(key.to_owned(), value.into()));
    let names = |sample: &Sample, dice: &mut Dice| -> String {
        let names: Vec<String> = (0..=dice.below(3)).map(|_| sample.name(dice)).collect();
        names.join(if dice.chance(80) { "," } else { " , " })
    };
    match subject {
        "Cast" => {
            const TYPES: [&str; 8] = ["int8", "int16", "int32", "int64", "float32", "float64", "boolean", "string"];
            let kind = |dice: &mut Dice| match dice.below(12) {
                0 => dice.word(&["INT8", " int16 ", "bytes", "date", "", "Boolean", "float", "array"]),
                _ => dice.word(&TYPES),
            };
            if dice.chance(25) {
                if dice.chance(70) {
                    sample.declared = if dice.chance(70) { leaf(dice) } else { Value::Null };
                    sample.example = json_value(dice, 1);
                }
                return set("spec", kind(dice));
            }
            let mut items = Vec::new();
            for _ in 0..=dice.below(3) {
                items.push(format!("{}:{}", sample.name(dice), kind(dice)));
            }
            set("spec", items.join(","));
        }
        "DropHeaders" => set("headers", dice.word(&["h", "a,h", "größe", "x.y , a", "h,h", "h,,a", ",", "zzz"])),
        "ExtractField" => {
            let mut path = sample.name(dice);
            if dice.chance(60) {
                let version = dice.pick(&["V2", "V2", "V2", "v2", "V1", "V3", " V2"]);
                set("field.syntax.version", version.to_owned());
                for _ in 0..dice.below(3) {
                    path = format!("{path}.{}", name(dice));
                }
                if dice.chance(40) {
                    path = nested_path(sample, dice).unwrap_or(path);
                }
                if dice.chance(10) {
                    path.insert(if dice.chance(50) { 0 } else { path.len() }, '`');
                }
            }
            set("field", path);
        }
        "Flatten" if dice.chance(60) => set("delimiter", dice.word(&["_", "", ".", "::", " ", "é", "\""])),
        "HeaderFrom" => {
            let count = 1 + dice.below(3);
            let fields: Vec<String> = (0..count).map(|_| sample.name(dice)).collect();
            let count = if dice.chance(90) { count } else { 1 + dice.below(3) };
            let headers: Vec<String> = (0..count).map(|_| dice.word(&["h", "a", "größe", "h2", ""])).collect();
            set("fields", fields.join(","));
            set("headers", headers.join(","));
            set("operation", dice.word(&["copy", "move", "copy", "move", "MOVE", ""]));
        }
        "HoistField" => set("field", name(dice)),
        "InsertField" => {
            let suffixed = |sample: &Sample, dice: &mut Dice| {
                let name =
                    if dice.chance(30) { sample.name(dice) } else { dice.word(&["t", "p", "new", "größe", "", "t"]) };
                name + dice.pick(&["", "", "!", "?", "!?", "??"])
            };
            for key in ["topic.field", "partition.field", "timestamp.field", "static.field"] {
                if dice.chance(45) {
                    let name = suffixed(sample, dice);
                    set(key, name);
                }
            }
            if dice.chance(if sample.source { 8 } else { 40 }) {
                let name = suffixed(sample, dice);
                set("offset.field", name);
            }
            if dice.chance(55) {
                set("static.value", text(dice));
            }
        }
        "InsertHeader" => {
            set("header", dice.word(&["h", "größe", "", "x.y", " a "]));
            let literal = match dice.below(6) {
                0 => text(dice),
                1 => dice.word(&[
                    "[1,2,300]",
                    "{\"a\":1,\"b\":2}",
                    "[]",
                    "{}",
                    "[\"a\",\"b\"]",
                    "[1,\"a\"]",
                    "{a:1}",
                    "[[1],[2]]",
                    "[1.5,2]",
                    "[null]",
                    "[true,false]",
                    "{\"a\":[1,2]}",
                    "[1,]",
                    "[,1]",
                    "{\"a\":}",
                    "[ ]",
                    "{1:2}",
                    "{\"a\":\"x\"} y",
                ]),
                2 => dice.word(&[
                    "2020-01-01",
                    "12:34:56.789Z",
                    "2020-01-01T12:34:56.789Z",
                    "2020-13-01",
                    "12:34",
                    "2020-01-01T12:34:56Z",
                    "1969-12-31",
                ]),
                3 => dice.word(&[
                    "\"quoted\"",
                    "'single'",
                    "\"a",
                    "null",
                    "NULL",
                    "a,b",
                    "a:b",
                    "{",
                    "[",
                    "}",
                    ":",
                    "\\",
                    "\"a\\\"b\"",
                ]),
                4 => format!("{}", dice.whole(64)),
                _ => format!("{}.{}", dice.whole(40), dice.below(1000)),
            };
            set("value.literal", literal);
        }
        "MaskField" => {
            set("fields", names(sample, dice));
            if dice.chance(60) {
                set("replacement", text(dice));
            }
        }
        "RegexRouter" => {
            sample.topic = topic(dice);
            set("regex", found_anywhere(dice));
            set("replacement", replacement(dice));
        }
        "ReplaceField" => {
            if dice.chance(50) {
                set("exclude", names(sample, dice));
            }
            if dice.chance(35) {
                set("include", names(sample, dice));
            }
            if dice.chance(60) {
                let mut pairs = Vec::new();
                for _ in 0..=dice.below(2) {
                    let new = if dice.chance(60) { dice.word(&["x", "y", "größe2", "z"]) } else { sample.name(dice) };
                    pairs.push(format!("{}:{new}", sample.name(dice)));
                }
                if dice.chance(5) {
                    pairs.push(dice.word(&["a", "a:", ":b", "a:b:c", "", ":"]));
                }
                set("renames", pairs.join(","));
            }
            if dice.chance(5) {
                set(&dice.word(&["whitelist", "blacklist"]), sample.name(dice));
            }
        }
        "SetSchemaMetadata" => {
            if dice.chance(70) {
                set("schema.name", dice.word(&["n", "io.example.New", "größe", "", " n "]));
            }
            if dice.chance(60) {
                set("schema.version", dice.word(&["1", "0", "-1", " 7 ", "x", "2147483648", "1.0", "", "+3"]));
            }
        }
        "TimestampConverter" => timestamp_converter(sample, config, dice),
        "TimestampRouter" => {
            if dice.chance(60) {
                set(
                    "topic.format",
                    dice.word(&[
                        "${topic}",
                        "${timestamp}",
                        "${topic}_${timestamp}",
                        "x",
                        "${topic}${topic}",
                        "$1${timestamp}",
                        "\\${topic}",
                        "${Topic}",
                        "",
                        "${timestamp}${timestamp}",
                        "${ topic}",
                    ]),
                );
            }
            if dice.chance(80) {
                set("timestamp.format", date_pattern(dice));
            }
            if dice.chance(20) {
                sample.topic = dice.word(&["$1", "a\\b", "${timestamp}", "$timestamp"]);
            }
        }
        "ValueToKey" => set("fields", names(sample, dice)),
        "predicates.HasHeaderKey" => set("name", dice.word(&["h", "a", "H", "größe", "", " "])),
        "predicates.TopicNameMatches" => {
            sample.topic = topic(dice);
            set("pattern", found_anywhere(dice));
        }
        _ => {}
    }
}

fn timestamp_converter(sample: &mut Sample, config: &mut Config, dice: &mut Dice) {
    let mut set = |key: &str, value: String| drop(config.insert(key.to_owned(), value.into()));
    set(
        "target.type",
        dice.word(&["string", "string", "unix", "unix", "Date", "Time", "Timestamp", "Timestamp", "timestamp", "Unix"]),
    );
    let pattern = date_pattern(dice);
    if dice.chance(85) {
        set("format", pattern.clone());
    }
    if dice.chance(50) {
        let precision = ["seconds", "milliseconds", "microseconds", "nanoseconds", "micros", "SECONDS"];
        let most = if dice.chance(95) { 4 } else { 6 };
        set("unix.precision", dice.word(&precision[..most]));
    }
    let typed = |dice: &mut Dice| match dice.below(8) {
        0..=2 => json!({"type": "STRING", "optional": dice.chance(50)}),
        3 => json!({"type": "INT64", "optional": dice.chance(50)}),
        4..=6 => {
            let (kind, name) = dice.pick(&[
                ("INT32", millstream_api::schema::DATE),
                ("INT32", millstream_api::schema::TIME),
                ("INT64", millstream_api::schema::TIMESTAMP),
            ]);
            json!({"type": kind, "name": name, "version": 1, "optional": dice.chance(50)})
        }
        _ => leaf(dice),
    };
    let of_text = |declared: &Value| declared["type"] == "STRING";
    match dice.below(5) {
        0 => {
            sample.declared = typed(dice);
            if of_text(&sample.declared) {
                sample.texts = Some(pattern);
            }
        }
        1 | 2 => {
            set("field", "ts".to_owned());
            let field = typed(dice);
            let mut fields = vec![json!({"field": "ts", "schema": field})];
            if dice.chance(60) {
                fields.push(json!({"field": "other", "schema": leaf(dice)}));
            }
            if of_text(&fields[0]["schema"]) {
                sample.texts = Some(pattern);
            }
            sample.declared = json!({"type": "STRUCT", "optional": dice.chance(30), "fields": fields});
        }
        3 => {
            set("field", "ts".to_owned());
            sample.declared = Value::Null;
            if dice.chance(70) {
                sample.texts = Some(pattern);
            } else {
                sample.example = json!({"t": "map", "v": [[{"t": "string", "v": "ts"}, json_value(dice, 0)]]});
            }
        }
        _ => {
            if dice.chance(40) {
                let name = sample.name(dice);
                set("field", name);
            }
        }
    }
}

/// An expression, which the whole of few texts matches, with something around it now and then.
fn found_anywhere(dice: &mut Dice) -> String {
    let expression = expression(dice, 2);
    if dice.chance(50) { format!(".*?({expression})[^\\n]*") } else { expression }
}

/// A path that is there, with backticks where they are needed.
fn nested_path(sample: &Sample, dice: &mut Dice) -> Option<String> {
    let mut steps: Vec<String> = Vec::new();
    let mut declared = &sample.declared;
    let mut example = &sample.example;
    for _ in 0..3 {
        let fields = declared["fields"].as_array().filter(|fields| !fields.is_empty());
        let entries = example["v"].as_array().filter(|_| example["t"] == "map").filter(|entries| !entries.is_empty());
        let step = match (fields, entries) {
            (Some(fields), _) => {
                let field = &fields[dice.below(fields.len())];
                declared = &field["schema"];
                field["field"].as_str()?.to_owned()
            }
            (None, Some(entries)) => {
                let entry = &entries[dice.below(entries.len())];
                example = &entry[1];
                entry[0]["v"].as_str()?.to_owned()
            }
            _ => break,
        };
        let quoted = step.contains('.') || dice.chance(20);
        steps.push(if quoted { format!("`{step}`") } else { step });
    }
    (!steps.is_empty()).then(|| steps.join("."))
}
