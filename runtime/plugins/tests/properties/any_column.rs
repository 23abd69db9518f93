//! Columns of any schema that Connect knows, with any values.

use std::sync::Arc;

use arrow::array::*;
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::*;
use millstream_api::{Column, schema};
use num_bigint::BigInt;
use proptest::collection::vec;
use proptest::prelude::*;

/// A schema in the making: its type, whether it is optional, and a number that the rest is drawn from.
#[derive(Clone, Debug)]
pub struct Shape {
    kind: Kind,
    optional: bool,
    flavour: u8,
}

#[derive(Clone, Debug)]
enum Kind {
    Leaf(u8),
    List(Box<Shape>),
    Map(u8, Box<Shape>),
    Struct(Vec<Shape>),
}

/// Any schema of moderate depth.
pub fn any_shape() -> impl Strategy<Value = Shape> {
    let shape = |kind| {
        (kind, any::<bool>(), any::<u8>()).prop_map(|(kind, optional, flavour)| Shape { kind, optional, flavour })
    };
    let leaf = shape((0..LEAVES).prop_map(Kind::Leaf).boxed());
    leaf.prop_recursive(3, 24, 5, move |inner| {
        let kind = prop_oneof![
            inner.clone().prop_map(|items| Kind::List(Box::new(items))),
            (0..4u8, inner.clone()).prop_map(|(key, values)| Kind::Map(key, Box::new(values))),
            vec(inner, 0..6).prop_map(Kind::Struct),
        ];
        shape(kind.boxed())
    })
}

/// Any schema without depth.
pub fn any_leaf() -> impl Strategy<Value = Shape> {
    (0..LEAVES, any::<bool>(), any::<u8>()).prop_map(|(leaf, optional, flavour)| Shape {
        kind: Kind::Leaf(leaf),
        optional,
        flavour,
    })
}

const LEAVES: u8 = 16;

/// A column of this shape, its values drawn from the seed.
pub fn column(shape: &Shape, rows: usize, seed: u64) -> Column {
    let field = Arc::new(field(shape, "value"));
    let array = array(&field, rows, &mut Draw(seed | 1));
    Column::new(field, array).unwrap()
}

fn field(shape: &Shape, name: &str) -> Field {
    let optional = shape.optional;
    let mut out = match &shape.kind {
        Kind::Leaf(0) => Field::new(name, DataType::Int8, optional),
        Kind::Leaf(1) => Field::new(name, DataType::Int16, optional),
        Kind::Leaf(2) => Field::new(name, DataType::Int32, optional),
        Kind::Leaf(3) => Field::new(name, DataType::Int64, optional),
        Kind::Leaf(4) => Field::new(name, DataType::Float32, optional),
        Kind::Leaf(5) => Field::new(name, DataType::Float64, optional),
        Kind::Leaf(6) => Field::new(name, DataType::Boolean, optional),
        Kind::Leaf(7 | 8) => Field::new(name, DataType::Utf8, optional),
        Kind::Leaf(9) => Field::new(name, DataType::Binary, optional),
        Kind::Leaf(10) => Field::new(name, DataType::Date32, optional),
        Kind::Leaf(11) => Field::new(name, schema::time_type(), optional),
        Kind::Leaf(12) => Field::new(name, schema::timestamp_type(), optional),
        Kind::Leaf(13) => schema::decimal_field(name, i32::from(shape.flavour % 39), optional),
        Kind::Leaf(14) => schema::decimal_field(name, 39 + i32::from(shape.flavour % 38), optional),
        Kind::Leaf(_) => schema::decimal_field(name, 100 - i32::from(shape.flavour % 2) * 105, optional),
        Kind::List(items) => Field::new(name, DataType::List(Arc::new(field(items, "item"))), optional),
        Kind::Map(key, values) => {
            let key = Shape { kind: Kind::Leaf([7, 2, 3, 10][usize::from(*key)]), optional: false, flavour: 0 };
            let pair = Fields::from(vec![field(&key, "key"), field(values, "value")]);
            let entries = Field::new("entries", DataType::Struct(pair), false);
            Field::new(name, DataType::Map(Arc::new(entries), false), optional)
        }
        Kind::Struct(parts) => {
            let name_of = |index: usize| format!("{}{index}", ["f", "with \"quotes\"", "größe😀", "a.b"][index % 4]);
            let fields: Fields = parts.iter().enumerate().map(|(index, part)| field(part, &name_of(index))).collect();
            Field::new(name, DataType::Struct(fields), optional)
        }
    };
    let plain = schema::name(&out).is_none();
    if plain && shape.flavour.is_multiple_of(5) {
        out = schema::with_meta(out, [(schema::NAME, "io.example.Näme".to_owned()), (schema::VERSION, "3".to_owned())]);
    }
    if shape.flavour.is_multiple_of(7) {
        out = schema::with_meta(out, [(schema::DOC, "what \"it\" is\n".to_owned())]);
    }
    if plain && shape.flavour.is_multiple_of(3) {
        out = schema::with_meta(out, [(schema::PARAMETERS, r#"{"z":"1","a":"\"q\""}"#.to_owned())]);
    }
    // A null would be replaced by the default, and be another value: only what is never null has one here.
    if !optional && shape.flavour.is_multiple_of(2) {
        let default = match out.data_type() {
            DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 | DataType::Date32 => "-7",
            DataType::Float64 => "2.5",
            DataType::Utf8 => r#""d\uD83D\uDE00""#,
            DataType::Decimal128(..) => r#""hQ==""#,
            DataType::List(_) => "[]",
            _ => return out,
        };
        out = schema::with_meta(out, [(schema::DEFAULT, default.to_owned())]);
    }
    out
}

/// A xorshift generator.
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// Any bits, but edges more often.
    fn bits(&mut self) -> u64 {
        match self.below(4) {
            0 => [0, 1, u64::MAX, 1 << 63, (1 << 63) - 1][self.below(5) as usize],
            1 => self.below(200),
            _ => self.next(),
        }
    }

    fn text(&mut self) -> String {
        let alphabet =
            ['a', 'Z', '"', '\\', '/', '\n', '\0', '\u{1f}', 'é', '中', '😀', '\u{2028}', '\u{7f}', ' ', '0', '{'];
        (0..self.below(40)).map(|_| alphabet[self.below(16) as usize]).collect()
    }

    fn digits(&mut self, most: u64) -> BigInt {
        let digits: String = (0..=self.below(most)).map(|_| char::from(b'0' + self.below(10) as u8)).collect();
        let value: BigInt = digits.parse().unwrap();
        if self.below(2) == 0 { -value } else { value }
    }
}

fn array(field: &Field, rows: usize, draw: &mut Draw) -> ArrayRef {
    let valid: Vec<bool> = (0..rows).map(|_| !field.is_nullable() || draw.below(4) > 0).collect();
    let nulls = Some(NullBuffer::from(valid.clone())).filter(|nulls| nulls.null_count() > 0);
    macro_rules! primitive {
        ($kind:ty, $make:expr) => {{
            let make = $make;
            let values = valid.iter().map(|valid| valid.then(|| make(draw)));
            PrimitiveArray::<$kind>::from_iter(values.collect::<Vec<_>>())
        }};
    }
    let lengths = |draw: &mut Draw| -> Vec<usize> {
        valid.iter().map(|valid| if *valid { draw.below(4) as usize } else { 0 }).collect()
    };
    match field.data_type() {
        DataType::Int8 => Arc::new(primitive!(Int8Type, |d: &mut Draw| d.bits() as i8)),
        DataType::Int16 => Arc::new(primitive!(Int16Type, |d: &mut Draw| d.bits() as i16)),
        DataType::Int32 => Arc::new(primitive!(Int32Type, |d: &mut Draw| d.bits() as i32)),
        DataType::Int64 => Arc::new(primitive!(Int64Type, |d: &mut Draw| d.bits() as i64)),
        DataType::Float32 => Arc::new(primitive!(Float32Type, |d: &mut Draw| {
            let value = f32::from_bits(d.bits() as u32);
            if value.is_nan() { f32::NAN } else { value }
        })),
        DataType::Float64 => Arc::new(primitive!(Float64Type, |d: &mut Draw| {
            let value = f64::from_bits(d.bits());
            if value.is_nan() { f64::NAN } else { value }
        })),
        DataType::Date32 => Arc::new(primitive!(Date32Type, |d: &mut Draw| d.bits() as i32)),
        DataType::Time32(_) => Arc::new(primitive!(Time32MillisecondType, |d: &mut Draw| d.below(86_400_000) as i32)),
        DataType::Timestamp(..) => {
            Arc::new(primitive!(TimestampMillisecondType, |d: &mut Draw| d.bits() as i64).with_timezone("UTC"))
        }
        DataType::Decimal128(_, scale) => {
            let values = primitive!(Decimal128Type, |d: &mut Draw| i128::try_from(d.digits(38)).unwrap());
            Arc::new(values.with_precision_and_scale(38, *scale).unwrap())
        }
        DataType::Decimal256(_, scale) => {
            let values =
                primitive!(Decimal256Type, |d: &mut Draw| i256::from_string(&d.digits(76).to_string()).unwrap());
            Arc::new(values.with_precision_and_scale(76, *scale).unwrap())
        }
        DataType::Boolean => {
            Arc::new(BooleanArray::from_iter(valid.iter().map(|v| v.then(|| draw.below(2) == 0)).collect::<Vec<_>>()))
        }
        DataType::Utf8 => Arc::new(StringArray::from_iter(valid.iter().map(|v| v.then(|| draw.text())))),
        DataType::Binary if schema::name(field) == Some(schema::DECIMAL) => {
            Arc::new(BinaryArray::from_iter(valid.iter().map(|v| v.then(|| draw.digits(90).to_signed_bytes_be()))))
        }
        DataType::Binary => Arc::new(BinaryArray::from_iter(valid.iter().map(|v| v.then(|| draw.text().into_bytes())))),
        DataType::List(item) => {
            let lengths = lengths(draw);
            let items = array(item, lengths.iter().sum(), draw);
            Arc::new(ListArray::new(item.clone(), OffsetBuffer::from_lengths(lengths), items, nulls))
        }
        DataType::Map(entries, _) => {
            let DataType::Struct(pair) = entries.data_type() else { unreachable!() };
            let lengths = lengths(draw);
            let total: usize = lengths.iter().sum();
            // Keys are told apart by their place.
            let keys: ArrayRef = match pair[0].data_type() {
                DataType::Utf8 => {
                    Arc::new(StringArray::from_iter_values((0..total).map(|i| format!("{}{i}", draw.text()))))
                }
                DataType::Int32 => Arc::new(Int32Array::from_iter_values(0..total as i32)),
                DataType::Date32 => Arc::new(Date32Array::from_iter_values(0..total as i32)),
                _ => Arc::new(Int64Array::from_iter_values(0..total as i64)),
            };
            let values = array(&pair[1], total, draw);
            let pairs = StructArray::new(pair.clone(), vec![keys, values], None);
            Arc::new(MapArray::new(entries.clone(), OffsetBuffer::from_lengths(lengths), pairs, nulls, false))
        }
        DataType::Struct(fields) => {
            let columns = fields.iter().map(|field| array(field, rows, draw)).collect();
            Arc::new(StructArray::try_new_with_length(fields.clone(), columns, nulls, rows).unwrap())
        }
        other => unreachable!("{other}"),
    }
}
