//! Kinds of JSON values, and how two of them become one.

use arrow::datatypes::{DataType, Field};
use indexmap::IndexMap;
use sonic_rs::{JsonContainerTrait as _, JsonType, JsonValueTrait as _, Value};

/// An object with more fields than this is no record but a map with data for names: it is kept as JSON text.
const MOST_FIELDS: usize = 1000;
/// What lies deeper is kept as JSON text.
const DEEPEST: usize = 16;
/// Beyond this, a double does not hold every whole number.
const EXACT: u64 = 1 << 53;

/// What a column holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// Nothing but nulls so far.
    Null,
    Bool,
    /// Whole numbers of 64 bits; `wide` when one of them does not fit a double.
    Int {
        wide: bool,
    },
    Double,
    Text,
    /// JSON text: values of several kinds, or what has no column type.
    Json,
    List(Box<Kind>),
    Object(IndexMap<String, Kind>),
}

impl Kind {
    fn of(value: &Value, depth: usize) -> Self {
        match value.get_type() {
            JsonType::Null => Self::Null,
            JsonType::Boolean => Self::Bool,
            JsonType::Number => match (value.as_i64(), value.is_f64()) {
                (Some(int), _) => Self::Int { wide: int.unsigned_abs() > EXACT },
                (None, true) => Self::Double,
                // Between 2^63 and 2^64.
                (None, false) => Self::Json,
            },
            JsonType::String => Self::Text,
            JsonType::Array | JsonType::Object if depth >= DEEPEST => Self::Json,
            JsonType::Array => {
                let mut items = Self::Null;
                for item in value.as_array().into_iter().flatten() {
                    items.merge(item, depth + 1);
                }
                Self::List(Box::new(items))
            }
            JsonType::Object => {
                let mut object = Self::Object(IndexMap::new());
                object.merge(value, depth);
                object
            }
        }
    }

    /// Widens the kind so that it holds the value too.
    pub(super) fn merge(&mut self, value: &Value, depth: usize) {
        match (&mut *self, value.get_type()) {
            (_, JsonType::Null) | (Self::Json, _) => {}
            (Self::Object(children), JsonType::Object) => {
                let Some(object) = value.as_object() else { return };
                for (position, (name, value)) in object.iter().enumerate() {
                    // Objects of a topic mostly list their fields in the same order.
                    let child = match children.get_index(position) {
                        Some((known, _)) if known == name => children.get_index_mut(position).map(|(_, kind)| kind),
                        _ => children.get_mut(name),
                    };
                    match child {
                        Some(child) => child.merge(value, depth + 1),
                        None => {
                            children.insert(name.to_owned(), Self::of(value, depth + 1));
                        }
                    }
                }
                if children.len() > MOST_FIELDS {
                    *self = Self::Json;
                }
            }
            (Self::List(items), JsonType::Array) => {
                for item in value.as_array().into_iter().flatten() {
                    items.merge(item, depth + 1);
                }
            }
            (Self::Bool, JsonType::Boolean) | (Self::Text, JsonType::String) => {}
            (_, _) => {
                let other = Self::of(value, depth);
                let known = std::mem::replace(self, Self::Null);
                *self = match (known, other) {
                    (Self::Null, other) => other,
                    (Self::Int { wide: a }, Self::Int { wide: b }) => Self::Int { wide: a || b },
                    (Self::Double, Self::Double)
                    | (Self::Double, Self::Int { wide: false })
                    | (Self::Int { wide: false }, Self::Double) => Self::Double,
                    _ => Self::Json,
                };
            }
        }
    }

    /// Settles what stayed open: nothing but nulls is text, an object without fields is JSON text.
    fn settle(self) -> Self {
        match self {
            Self::Null => Self::Text,
            Self::List(items) => Self::List(Box::new(items.settle())),
            Self::Object(children) if children.is_empty() => Self::Json,
            Self::Object(children) => {
                Self::Object(children.into_iter().map(|(name, kind)| (name, kind.settle())).collect())
            }
            settled => settled,
        }
    }

    /// True when a column of this kind keeps the value as it is.
    pub(super) fn holds(&self, value: &Value) -> bool {
        match (self, value.get_type()) {
            (_, JsonType::Null)
            | (Self::Json, _)
            | (Self::Bool, JsonType::Boolean)
            | (Self::Text, JsonType::String) => true,
            (Self::Int { .. }, JsonType::Number) => value.as_i64().is_some(),
            (Self::Double, JsonType::Number) => {
                value.is_f64() || value.as_i64().is_some_and(|int| int.unsigned_abs() <= EXACT)
            }
            (Self::List(items), JsonType::Array) => {
                value.as_array().into_iter().flatten().all(|item| items.holds(item))
            }
            (Self::Object(children), JsonType::Object) => value.as_object().is_some_and(|object| {
                object.iter().enumerate().all(|(position, (name, value))| {
                    child(children, position, name).is_some_and(|(_, kind)| kind.holds(value))
                })
            }),
            _ => false,
        }
    }

    /// The Arrow type of a column.
    pub(super) fn data_type(&self) -> DataType {
        match self {
            Self::Bool => DataType::Boolean,
            Self::Int { .. } => DataType::Int64,
            Self::Double => DataType::Float64,
            Self::Null | Self::Text | Self::Json => DataType::Utf8,
            Self::List(items) => DataType::List(items.field("element").into()),
            Self::Object(children) => {
                DataType::Struct(children.iter().map(|(name, kind)| kind.field(name)).collect::<Vec<_>>().into())
            }
        }
    }

    /// A column: always optional, since any record may lack the field.
    pub(super) fn field(&self, name: &str) -> Field {
        Field::new(name, self.data_type(), true)
    }
}

/// A field's place and kind, tried first where it stood the last time.
pub(super) fn child<'a>(
    children: &'a IndexMap<String, Kind>,
    position: usize,
    name: &str,
) -> Option<(usize, &'a Kind)> {
    match children.get_index(position) {
        Some((known, kind)) if known == name => Some((position, kind)),
        _ => children.get_full(name).map(|(place, _, kind)| (place, kind)),
    }
}

/// The kind of a file's values so far.
#[derive(Debug)]
pub(super) struct Inferred(Kind);

impl Default for Inferred {
    fn default() -> Self {
        Self(Kind::Null)
    }
}

impl Inferred {
    /// Takes a value into account.
    pub(super) fn add(&mut self, value: &Value) {
        self.0.merge(value, 0);
    }

    /// The kind of all of them.
    pub(super) fn finish(self) -> Kind {
        self.0.settle()
    }
}
