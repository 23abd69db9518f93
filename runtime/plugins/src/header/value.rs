//! Values read from text, and their types.

use std::collections::HashMap;

use num_bigint::BigInt;

/// The type of a value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    Boolean,
    Int8,
    Int16,
    Int32,
    Int64,
    Float32,
    Float64,
    /// With its scale.
    Decimal(i64),
    Date,
    Time,
    Timestamp,
    /// Dates and times among each other, held as timestamps: with the type that Java gives them, which is that of the last.
    Mixed(Box<Kind>),
    String,
    /// With the common type of the elements; `None`: they have none.
    Array(Option<Box<Kind>>),
    /// With the common types of keys and values; `None`: they have none.
    Map(Option<Box<Kind>>, Option<Box<Kind>>),
}

/// A value with its type.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Typed {
    pub kind: Kind,
    pub value: Value,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Boolean(bool),
    /// Of any width.
    Integer(i64),
    Float32(f32),
    Float64(f64),
    /// The unscaled value; the scale is the type's.
    Decimal(BigInt),
    /// A date, time or timestamp in epoch milliseconds.
    Millis(i64),
    String(String),
    /// `None` is null.
    Array(Vec<Option<Typed>>),
    Map(Entries),
}

/// The entries of a map, whose keys are never null.
pub(super) type Entries = Vec<(Typed, Option<Typed>)>;

impl Typed {
    pub fn new(kind: Kind, value: Value) -> Self {
        Self { kind, value }
    }

    pub fn text(text: impl Into<String>) -> Self {
        Self::new(Kind::String, Value::String(text.into()))
    }

    /// An integer of the smallest type that holds it.
    pub fn integer(value: i64) -> Self {
        let kind = if i8::try_from(value).is_ok() {
            Kind::Int8
        } else if i16::try_from(value).is_ok() {
            Kind::Int16
        } else if i32::try_from(value).is_ok() {
            Kind::Int32
        } else {
            Kind::Int64
        };
        Self::new(kind, Value::Integer(value))
    }
}

/// Types as Kafka Connect ranks them: logical types count as what they are made of.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Rank {
    Int8,
    Int16,
    Int32,
    Int64,
    Float32,
    Float64,
    Other(u8),
}

impl Kind {
    fn rank(&self) -> Rank {
        match self {
            Self::Int8 => Rank::Int8,
            Self::Int16 => Rank::Int16,
            Self::Int32 | Self::Date | Self::Time | Self::Mixed(_) => Rank::Int32,
            Self::Int64 | Self::Timestamp => Rank::Int64,
            Self::Float32 => Rank::Float32,
            Self::Float64 => Rank::Float64,
            Self::Boolean => Rank::Other(0),
            Self::Decimal(_) => Rank::Other(1),
            Self::String => Rank::Other(2),
            Self::Array(_) => Rank::Other(3),
            Self::Map(..) => Rank::Other(4),
        }
    }

    /// The type that both can be read as: of numbers the wider one, of equal types the later one. `None`: there is none.
    pub fn common(&self, later: &Self) -> Option<Self> {
        match (self, later) {
            (Self::Array(a), Self::Array(b)) => Some(Self::Array(inner(a, b))),
            (Self::Map(ak, av), Self::Map(bk, bv)) => Some(Self::Map(inner(ak, bk), inner(av, bv))),
            // A column has one scale: the one that loses nothing, where that needs no absurd number of digits.
            (Self::Decimal(a), Self::Decimal(b)) => (a.abs_diff(*b) < 1_000).then(|| Self::Decimal(*a.max(b))),
            (Self::Date | Self::Time | Self::Mixed(_), Self::Date | Self::Time | Self::Mixed(_)) if self != later => {
                let last = if let Self::Mixed(last) = later { last.as_ref() } else { later };
                Some(Self::Mixed(Box::new(last.clone())))
            }
            _ => match (self.rank(), later.rank()) {
                (a, b) if a == b => Some(later.clone()),
                (Rank::Other(_), _) | (_, Rank::Other(_)) => None,
                (a, b) => Some(if a < b { later.clone() } else { self.clone() }),
            },
        }
    }
}

/// The common type of what two collections hold, if the values of both have a form of it.
fn inner(a: &Option<Box<Kind>>, b: &Option<Box<Kind>>) -> Option<Box<Kind>> {
    let (a, b) = (a.as_ref()?, b.as_ref()?);
    a.common(b).filter(|common| a.becomes(common) && b.becomes(common)).map(Box::new)
}

impl Kind {
    /// Whether values of this type have a form of the other, as [`converted`] gives it.
    fn becomes(&self, other: &Self) -> bool {
        let part = |a: &Option<Box<Self>>, b: &Option<Box<Self>>| match (a, b) {
            (_, None) => true,
            (Some(a), Some(b)) => a.becomes(b),
            (None, Some(_)) => false,
        };
        match (self, other) {
            (a, b) if a == b => true,
            (Self::Array(a), Self::Array(b)) => part(a, b),
            (Self::Map(a_keys, a), Self::Map(b_keys, b)) => part(a_keys, b_keys) && part(a, b),
            (Self::Int8 | Self::Int16 | Self::Int32 | Self::Int64, _) => !matches!(other.rank(), Rank::Other(_)),
            (Self::Float32, Self::Float64) | (Self::Decimal(_), Self::Decimal(_)) => true,
            (Self::Date | Self::Time | Self::Mixed(_), Self::Timestamp | Self::Mixed(_)) => true,
            _ => false,
        }
    }
}

/// The common type of what a collection holds.
#[derive(Default)]
pub(super) struct Merged {
    common: Option<Kind>,
    incompatible: bool,
    /// Whether there were dates, and times: a whole number between them is of the type of both.
    dates: bool,
    times: bool,
}

impl Merged {
    /// Takes a further value into account; nulls have no type.
    pub fn add(&mut self, value: Option<&Typed>) {
        let Some(value) = value.filter(|_| !self.incompatible) else { return };
        self.dates |= value.kind == Kind::Date;
        self.times |= value.kind == Kind::Time;
        match &self.common {
            None => self.common = Some(value.kind.clone()),
            Some(common) => {
                self.common = common.common(&value.kind);
                self.incompatible = self.common.is_none();
            }
        }
    }

    pub fn common(self) -> Option<Kind> {
        match self.common {
            Some(last @ (Kind::Date | Kind::Time)) if self.dates && self.times => Some(Kind::Mixed(Box::new(last))),
            common => common,
        }
    }
}

/// The entries of each key: the last one, at the place of the first. Keys of one type may have become the same.
pub(super) fn once_each(entries: Entries) -> Entries {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut once = Entries::with_capacity(entries.len());
    for (key, value) in entries {
        let place = *places.entry(format!("{key:?}")).or_insert(once.len());
        match once.get_mut(place) {
            Some((_, known)) => *known = value,
            None => once.push((key, value)),
        }
    }
    once
}

/// The value as one of another type. `None`: it has no such form.
pub(super) fn converted(from: Typed, to: &Kind) -> Option<Typed> {
    if from.kind == *to {
        return Some(from);
    }
    let value = match (from.value, to) {
        (Value::Integer(v), Kind::Int8 | Kind::Int16 | Kind::Int32 | Kind::Int64) => Value::Integer(v),
        (Value::Integer(v), Kind::Float32) => Value::Float32(v as f32),
        (Value::Integer(v), Kind::Float64) => Value::Float64(v as f64),
        (Value::Float32(v), Kind::Float64) => Value::Float64(v.into()),
        (value @ Value::Integer(_), Kind::Mixed(last)) => converted(Typed::new(from.kind, value), last)?.value,
        // A number among dates counts days; among times and timestamps milliseconds.
        (Value::Integer(v), Kind::Date) => Value::Millis(v.checked_mul(crate::java::date_pattern::DAY)?),
        (Value::Integer(v), Kind::Time) if !(0..=crate::java::date_pattern::DAY).contains(&v) => return None,
        (Value::Integer(v), Kind::Time | Kind::Timestamp) => Value::Millis(v),
        (Value::Millis(v), Kind::Timestamp | Kind::Mixed(_)) => Value::Millis(v),
        (Value::Decimal(unscaled), Kind::Decimal(scale)) => {
            let Kind::Decimal(own) = from.kind else { return None };
            let power = u32::try_from(scale - own).ok()?;
            Value::Decimal(unscaled * BigInt::from(10).pow(power))
        }
        (Value::Array(items), Kind::Array(Some(kind))) => {
            let items: Option<Vec<_>> = items.into_iter().map(|item| Some(Some(converted(item?, kind)?))).collect();
            Value::Array(items?)
        }
        (Value::Map(entries), Kind::Map(keys, values)) => {
            let entry = |(key, value): (Typed, Option<Typed>)| {
                let key = match keys {
                    Some(kind) => converted(key, kind)?,
                    None => key,
                };
                let value = match (values, value) {
                    (Some(kind), Some(value)) => Some(converted(value, kind)?),
                    (Some(_), None) => return None,
                    (None, value) => value,
                };
                Some((key, value))
            };
            let entries: Entries = entries.into_iter().map(entry).collect::<Option<_>>()?;
            Value::Map(if keys.is_some() { once_each(entries) } else { entries })
        }
        (value @ Value::Array(_), Kind::Array(None)) => value,
        _ => return None,
    };
    Some(Typed::new(to.clone(), value))
}
