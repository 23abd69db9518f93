//! Transformations: as arrays they do what they do to each value; and what they do to text, where both apply.

mod record;
mod reference;
mod texts;
mod twins;

use std::sync::Arc;

use arrow::array::{Array, AsArray, Int32Array, Int64Array, StructArray};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{DataType, Field, FieldRef, TimeUnit};
use millstream_api::{Batch, Column, Config, ConnectorKind, HeaderValue, Transform, Transformed, schema};
use millstream_plugins::transform;
use proptest::collection::vec;
use proptest::prelude::*;
use record::{Part, V};
use reference::Made;

use crate::any_column::{Shape, any_leaf, any_shape, column};

pub fn made(class: &str, settings: &[(&str, String)]) -> Box<dyn Transform> {
    let mut made = transform(&format!("org.apache.kafka.connect.transforms.{class}")).unwrap();
    let config: Config = settings.iter().map(|(key, value)| (*key, value.as_str())).collect();
    made.configure(&config, ConnectorKind::Source).unwrap();
    made
}

/// A batch whose values are of a struct shape, now and then null, absent, or null where there is a default.
fn batch_of(shapes: &[Shape], optional: bool, rows: usize, seed: u64) -> Batch {
    let fields: Vec<FieldRef> = shapes
        .iter()
        .enumerate()
        .map(|(index, shape)| {
            let field = column(shape, 0, seed).field().as_ref().clone().with_name(NAMES[index % NAMES.len()]);
            let default = match field.data_type() {
                _ if seed.is_multiple_of(3) => None,
                DataType::Int32 | DataType::Int64 => Some("12"),
                DataType::Utf8 => Some("\"7\""),
                DataType::Float64 => Some("0.5"),
                _ => None,
            };
            Arc::new(match default {
                Some(default) => schema::with_meta(field, [(schema::DEFAULT, default.to_owned())]),
                None => field,
            })
        })
        .collect();
    let columns = shapes
        .iter()
        .enumerate()
        .map(|(index, shape)| column(shape, rows, seed.wrapping_add(index as u64 * 77)).array().clone());
    let bit = |row: usize, of: u32| seed.rotate_left(of).wrapping_mul(row as u64 + 3).is_multiple_of(5);
    let nulls = (0..rows).map(|row| !optional || !bit(row, 7)).collect::<Vec<bool>>();
    let absent = BooleanBuffer::collect_bool(rows, |row| bit(row, 23));
    let valid: Vec<bool> = nulls.iter().enumerate().map(|(row, valid)| *valid && !absent.value(row)).collect();
    let array =
        StructArray::try_new_with_length(fields.clone().into(), columns.collect(), Some(valid.into()), rows).unwrap();
    let field = schema::with_meta(
        Field::new("value", DataType::Struct(fields.into()), optional),
        [(schema::NAME, "io.example.Root".to_owned()), (schema::DOC, "root".to_owned())],
    );
    let mut batch =
        Batch::of_values("topic", Column::new(Arc::new(field), Arc::new(array)).unwrap().with_absent(absent));
    batch.timestamps =
        Some((0..rows).map(|row| (!bit(row, 41)).then_some(row as i64 * 1_000_000_007)).collect::<Int64Array>());
    batch.partitions = Some((0..rows).map(|row| bit(row, 11).then_some(row as i32)).collect::<Int32Array>());
    batch
}

const NAMES: [&str; 5] = ["a", "b.c", "größe😀", "d", "with \"quotes\""];

/// What became of each row: key and value, nothing, or a failure.
type Fate = Result<Option<(Part, Part)>, ()>;

fn fates(out: &Transformed, rows: usize) -> Vec<Fate> {
    let mut fates: Vec<Fate> = vec![Ok(None); rows];
    let mut last = None;
    for (batch, origins) in &out.parts {
        for (row, origin) in origins.values().iter().enumerate() {
            assert!(last < Some(*origin), "rows out of order");
            last = Some(*origin);
            fates[*origin as usize] = Ok(Some((Part::of(&batch.key, row), Part::of(&batch.value, row))));
        }
    }
    for failure in &out.failures {
        assert_eq!(std::mem::replace(&mut fates[failure.row], Err(())), Ok(None));
    }
    fates
}

/// The fates a plain form gives: null and absent values as `pass` says, the others through `edit`.
fn plainly(
    batch: &Batch,
    nulls: impl Fn(Part) -> Result<Part, ()>,
    mut edit: impl FnMut(usize, &FieldRef, &V) -> Made,
) -> Vec<Fate> {
    (0..batch.len())
        .map(|row| {
            let value = match Part::of(&batch.value, row) {
                Part::Typed(field, value) if value != V::Null => {
                    let (field, value) = edit(row, &field, &value)?;
                    Part::Typed(field, value)
                }
                null => nulls(null)?,
            };
            Ok(Some((Part::Nothing, value)))
        })
        .collect()
}

fn check(mut transform: Box<dyn Transform>, batch: &Batch, plain: &[Fate], cut: usize) -> Result<(), TestCaseError> {
    let whole = fates(&transform.apply(batch.clone()), batch.len());
    prop_assert_eq!(&whole, plain);
    let mut parts = fates(&transform.apply(batch.slice(0, cut)), cut);
    parts.extend(fates(&transform.apply(batch.slice(cut, batch.len() - cut)), batch.len() - cut));
    prop_assert_eq!(&whole, &parts);
    Ok(())
}

fn names(batch: &Batch, bits: u8) -> Vec<String> {
    let DataType::Struct(fields) = batch.value.field().data_type() else { unreachable!() };
    let named = fields.iter().enumerate().filter(|(index, _)| bits & (1 << index) != 0);
    named.map(|(_, field)| field.name().clone()).collect()
}

fn any_batch() -> impl Strategy<Value = (Batch, usize)> {
    (
        vec(prop_oneof![3 => any_leaf(), 1 => any_shape()], 1..6),
        any::<bool>(),
        1..7usize,
        any::<u64>(),
        any::<prop::sample::Index>(),
    )
        .prop_map(|(shapes, optional, rows, seed, cut)| (batch_of(&shapes, optional, rows, seed), cut.index(rows + 1)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn replace_field((batch, cut) in any_batch(), exclude: u8, include: u8, renamed: u8, replace: bool) {
        let (exclude, include) = (names(&batch, exclude & 5), names(&batch, if include > 99 { 0 } else { include }));
        let renames: Vec<_> = names(&batch, renamed).into_iter().enumerate().map(|(n, old)| (old, ["x", "a", "y"][n % 3].to_owned())).collect();
        let pairs: Vec<_> = renames.iter().map(|(old, new)| format!("{old}:{new}")).collect();
        let made = made("ReplaceField$Value", &[
            ("exclude", exclude.join(",")), ("include", include.join(",")), ("renames", pairs.join(",")),
            ("replace.null.with.default", replace.to_string()),
        ]);
        let plain = plainly(&batch, Ok, |_, field, value| reference::replace_field(field, value, &exclude, &include, &renames, replace));
        check(made, &batch, &plain, cut)?;
    }

    #[test]
    fn mask_field((batch, cut) in any_batch(), masked: u8, replacement in prop::option::of(prop_oneof![Just("123"), Just("-70000"), Just("x")]), replace: bool) {
        let fields = names(&batch, masked | 1);
        let mut settings = vec![("fields", fields.join(",")), ("replace.null.with.default", replace.to_string())];
        settings.extend(replacement.map(|text| ("replacement", text.to_owned())));
        let plain = plainly(&batch, |_| Err(()), |_, field, value| reference::mask_field(field, value, &fields, replacement, replace));
        check(made("MaskField$Value", &settings), &batch, &plain, cut)?;
    }

    #[test]
    fn cast((batch, cut) in any_batch(), cast: u8, types in vec(0..8usize, 5), replace: bool) {
        const TYPES: [(&str, DataType); 8] = [
            ("int8", DataType::Int8), ("int16", DataType::Int16), ("int32", DataType::Int32), ("int64", DataType::Int64),
            ("float32", DataType::Float32), ("float64", DataType::Float64), ("boolean", DataType::Boolean), ("string", DataType::Utf8),
        ];
        let named = names(&batch, cast | 1);
        let casts: Vec<_> = named.iter().zip(&types).map(|(name, to)| (name.clone(), TYPES[*to].1.clone())).collect();
        let spec: Vec<_> = named.iter().zip(&types).map(|(name, to)| format!("{name}:{}", TYPES[*to].0)).collect();
        let made = made("Cast$Value", &[("spec", spec.join(",")), ("replace.null.with.default", replace.to_string())]);
        let plain = plainly(&batch, Ok, |_, field, value| reference::cast(field, value, &casts, replace));
        check(made, &batch, &plain, cut)?;
    }

    #[test]
    fn flatten((batch, cut) in any_batch(), delimiter in prop_oneof![Just("."), Just("_"), Just("")]) {
        let made = made("Flatten$Value", &[("delimiter", delimiter.to_owned())]);
        let plain = plainly(&batch, Ok, |_, field, value| reference::flatten(field, value, delimiter));
        check(made, &batch, &plain, cut)?;
    }

    #[test]
    fn extract_field((batch, cut) in any_batch(), which: prop::sample::Index, deeper: prop::sample::Index, replace: bool) {
        let DataType::Struct(fields) = batch.value.field().data_type() else { unreachable!() };
        let field = which.get(fields);
        let mut path = vec![field.name().clone()];
        if let DataType::Struct(inner) = field.data_type() && !inner.is_empty() {
            path.push(deeper.get(inner).name().clone());
        }
        let quoted: Vec<_> = path.iter().map(|step| format!("`{step}`")).collect();
        let made = made("ExtractField$Value", &[
            ("field", quoted.join(".")), ("field.syntax.version", "V2".to_owned()), ("replace.null.with.default", replace.to_string()),
        ]);
        let root = batch.value.field();
        let nulls = |part| match part {
            Part::Typed(..) => reference::extract_field(root, &V::Null, &path, replace).map(|(field, value)| Part::Typed(field, value)),
            nothing => Ok(nothing),
        };
        let plain = plainly(&batch, nulls, |_, field, value| reference::extract_field(field, value, &path, replace));
        check(made, &batch, &plain, cut)?;
    }

    #[test]
    fn hoist_field((batch, cut) in any_batch()) {
        let nulls = |part| match part {
            Part::Typed(field, value) => reference::hoist_field(&field, &value, "h").map(|(field, value)| Part::Typed(field, value)),
            _ => Ok(Part::Json(serde_json::json!({"h": null}))),
        };
        let plain = plainly(&batch, nulls, |_, field, value| reference::hoist_field(field, value, "h"));
        check(made("HoistField$Value", &[("field", "h".to_owned())]), &batch, &plain, cut)?;
    }

    #[test]
    fn insert_field((batch, cut) in any_batch(), required: bool, replace: bool) {
        let mark = if required { "!" } else { "" };
        let made = made("InsertField$Value", &[
            ("topic.field", "t!".to_owned()), ("partition.field", "p?".to_owned()), ("timestamp.field", format!("at{mark}")),
            ("static.field", "s".to_owned()), ("static.value", "é".to_owned()), ("replace.null.with.default", replace.to_string()),
        ]);
        let (times, partitions) = (batch.timestamps.clone().unwrap(), batch.partitions.clone().unwrap());
        let partition = |row| if partitions.is_null(row) { V::Null } else { V::Whole(partitions.value(row).into()) };
        let time = |row| if times.is_null(row) { V::Null } else { V::Timestamp(times.value(row)) };
        let plain = plainly(&batch, Ok, |row, field, value| reference::insert_field(field, value, &[
            (Field::new("t", DataType::Utf8, false), V::Text("topic".to_owned())),
            (Field::new("p", DataType::Int32, true), partition(row)),
            (Field::new("at", reference::timestamp(), !required), time(row)),
            (Field::new("s", DataType::Utf8, true), V::Text("é".to_owned())),
        ], replace));
        check(made, &batch, &plain, cut)?;
    }

    #[test]
    fn value_to_key((batch, cut) in any_batch(), picked: u8, replace: bool) {
        let mut fields = names(&batch, picked | 1);
        fields.reverse();
        let made = made("ValueToKey", &[("fields", fields.join(",")), ("replace.null.with.default", replace.to_string())]);
        let keys = plainly(&batch, |_| Err(()), |_, field, value| reference::value_to_key(field, value, &fields, replace));
        let plain: Vec<Fate> = keys
            .into_iter()
            .enumerate()
            .map(|(row, key)| key.map(|key| key.map(|(_, key)| (key, Part::of(&batch.value, row)))))
            .collect();
        check(made, &batch, &plain, cut)?;
    }

    #[test]
    fn set_schema_metadata((batch, cut) in any_batch(), version in prop::option::of(any::<i32>()), replace: bool) {
        let mut settings = vec![("schema.name", "io.example.Other".to_owned()), ("replace.null.with.default", replace.to_string())];
        settings.extend(version.map(|version| ("schema.version", version.to_string())));
        let set = |field: &FieldRef, value: &V| reference::set_schema_metadata(field, value, "io.example.Other", version, replace);
        let nulls = |part| match part {
            Part::Typed(field, value) => set(&field, &value).map(|(field, value)| Part::Typed(field, value)),
            nothing => Ok(nothing),
        };
        let plain = plainly(&batch, nulls, |_, field, value| set(field, value));
        check(made("SetSchemaMetadata$Value", &settings), &batch, &plain, cut)?;
    }

    #[test]
    fn timestamp_converter((batch, cut) in any_batch(), which: prop::sample::Index, target in 0..3usize, replace: bool) {
        const TARGETS: [&str; 3] = ["unix", "Timestamp", "Time"];
        let to = [DataType::Int64, reference::timestamp(), DataType::Time32(TimeUnit::Millisecond)][target].clone();
        let DataType::Struct(fields) = batch.value.field().data_type() else { unreachable!() };
        let name = which.get(fields).name().clone();
        let made = made("TimestampConverter$Value", &[
            ("field", name.clone()), ("target.type", TARGETS[target].to_owned()), ("format", "yyyy-MM-dd HH:mm:ss".to_owned()),
            ("replace.null.with.default", replace.to_string()),
        ]);
        let convert = |field: &FieldRef, value: &V| reference::timestamp_converter(field, value, &name, &to, replace);
        let nulls = |part| match part {
            Part::Typed(field, value) => convert(&field, &value).map(|(field, value)| Part::Typed(field, value)),
            nothing => Ok(nothing),
        };
        let plain = plainly(&batch, nulls, |_, field, value| convert(field, value));
        check(made, &batch, &plain, cut)?;
    }

    #[test]
    fn header_from((batch, _) in any_batch(), picked: u8, moved: bool, replace: bool) {
        let fields = names(&batch, picked | 1);
        let headers: Vec<_> = (0..fields.len()).map(|place| format!("h{place}")).collect();
        let mut made = made("HeaderFrom$Value", &[
            ("fields", fields.join(",")), ("headers", headers.join(",")),
            ("operation", if moved { "move" } else { "copy" }.to_owned()), ("replace.null.with.default", replace.to_string()),
        ]);
        let plain = plainly(&batch, |_| Err(()), |_, field, value| match moved {
            true => reference::replace_field(field, value, &fields, &[], &[], replace),
            false => Ok((field.clone(), value.clone())),
        });
        let out = made.apply(batch.clone());
        prop_assert_eq!(fates(&out, batch.len()), plain);
        for (part, origins) in &out.parts {
            for (row, origin) in origins.values().iter().enumerate() {
                let Part::Typed(root, value) = Part::of(&batch.value, *origin as usize) else { unreachable!() };
                let wanted: Vec<_> = fields.iter().map(|name| reference::extract_field(&root, &value, std::slice::from_ref(name), replace)).collect();
                let found: Vec<_> = part.headers.row(row).iter().map(|header| {
                    let HeaderValue::Typed(value) = &header.value else { unreachable!() };
                    match Part::of(&value.to_column(), 0) {
                        Part::Typed(field, value) => Ok((Arc::new(field.as_ref().clone().with_name("value")), value)),
                        other => panic!("{other:?}"),
                    }
                }).collect();
                prop_assert_eq!(found, wanted);
            }
        }
    }
}

#[test]
fn columns_that_stay_are_not_copied() {
    let (batch, _) = {
        let numbers = Arc::new(Int64Array::from(vec![1, 2, 3]));
        let fields = vec![Field::new("a", DataType::Int64, false), Field::new("b", DataType::Int64, false)];
        let array = StructArray::new(fields.clone().into(), vec![numbers.clone(), numbers], None);
        let field = Field::new("value", DataType::Struct(fields.into()), false);
        (Batch::of_values("t", Column::new(Arc::new(field), Arc::new(array)).unwrap()), ())
    };
    let place = |array: &dyn Array| array.as_primitive::<arrow::datatypes::Int64Type>().values().as_ptr();
    let kept = place(batch.value.array().as_struct().column(0));
    for (class, settings) in [
        ("ReplaceField$Value", ("renames", "a:x")),
        ("InsertField$Value", ("topic.field", "t")),
        ("MaskField$Value", ("fields", "b")),
        ("Cast$Value", ("spec", "b:string")),
        ("Flatten$Value", ("delimiter", ".")),
    ] {
        let out = made(class, &[(settings.0, settings.1.to_owned())]).apply(batch.clone());
        assert_eq!(place(out.parts[0].0.value.array().as_struct().column(0)), kept, "{class}");
    }
    let out = made("ExtractField$Value", &[("field", "a".to_owned())]).apply(batch.clone());
    assert_eq!(place(out.parts[0].0.value.array()), kept);
    let out = made("ValueToKey", &[("fields", "a".to_owned())]).apply(batch);
    assert_eq!(place(out.parts[0].0.key.array().as_struct().column(0)), kept);
}
