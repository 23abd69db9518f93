//! From a column of the catalog to a Connect field and the reader of its values.

use arrow::datatypes::{DataType, Field};
use millstream_api::schema;
use serde_json::{Map, Value};

use super::reader::{BoolFrom, ColumnReader, F64From, I8From, I16From, I32From, I64From, Values, VarFrom};
use super::{Granularity, NumericMapping, TypeSettings};
use crate::instant::TimestampKind;

/// A column as the catalog describes it; a domain is already resolved to its base type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogColumn {
    /// Its name.
    pub name: String,
    /// The oid of its type.
    pub type_oid: u32,
    /// The name of its type.
    pub type_name: String,
    /// True for an enum.
    pub is_enum: bool,
    /// The type modifier (length, precision and scale); -1 without one.
    pub modifier: i32,
    /// True when it cannot be null.
    pub not_null: bool,
    /// True when an index begins with it.
    pub indexed: bool,
    /// Digits after the point of `money` in this database.
    pub money_digits: u32,
}

impl CatalogColumn {
    /// What kind of timestamp it is, if it is one.
    pub fn timestamp_kind(&self) -> Option<TimestampKind> {
        match self.type_oid {
            oid::TIMESTAMP => Some(TimestampKind::WithoutZone),
            oid::TIMESTAMPTZ => Some(TimestampKind::WithZone),
            _ => None,
        }
    }
}

/// A column's field and a reader of its values.
#[derive(Debug)]
pub struct Plan {
    /// The field.
    pub field: Field,
    /// The reader.
    pub reader: ColumnReader,
}

/// Oids of built-in types; they never change.
mod oid {
    pub const BOOL: u32 = 16;
    pub const BYTEA: u32 = 17;
    pub const CHAR: u32 = 18;
    pub const NAME: u32 = 19;
    pub const INT8: u32 = 20;
    pub const INT2: u32 = 21;
    pub const INT4: u32 = 23;
    pub const TEXT: u32 = 25;
    pub const OID: u32 = 26;
    pub const JSON: u32 = 114;
    pub const XML: u32 = 142;
    pub const FLOAT4: u32 = 700;
    pub const FLOAT8: u32 = 701;
    pub const MONEY: u32 = 790;
    pub const BPCHAR: u32 = 1042;
    pub const VARCHAR: u32 = 1043;
    pub const DATE: u32 = 1082;
    pub const TIME: u32 = 1083;
    pub const TIMESTAMP: u32 = 1114;
    pub const TIMESTAMPTZ: u32 = 1184;
    pub const TIMETZ: u32 = 1266;
    pub const BIT: u32 = 1560;
    pub const NUMERIC: u32 = 1700;
    pub const UUID: u32 = 2950;
    pub const JSONB: u32 = 3802;
}

/// What a column becomes; `None` for a type that is left out.
pub fn plan(column: &CatalogColumn, settings: TypeSettings) -> Option<Plan> {
    let nullable = !column.not_null;
    let plain = |data_type, values| (Field::new(&column.name, data_type, nullable), values);
    let text = || plain(DataType::Utf8, Values::var(VarFrom::Text));
    let (field, values) = match column.type_oid {
        _ if column.is_enum => text(),
        oid::BOOL => plain(DataType::Boolean, Values::bool(BoolFrom::Bool)),
        oid::INT2 => plain(DataType::Int16, Values::I16(Vec::new(), I16From::Int2)),
        oid::INT4 => plain(DataType::Int32, Values::I32(Vec::new(), I32From::Int4)),
        oid::INT8 => plain(DataType::Int64, Values::I64(Vec::new(), I64From::Int8)),
        oid::OID => plain(DataType::Int64, Values::I64(Vec::new(), I64From::Oid)),
        oid::FLOAT4 => plain(DataType::Float32, Values::F32(Vec::new())),
        oid::FLOAT8 => plain(DataType::Float64, Values::F64(Vec::new(), F64From::Float8)),
        oid::MONEY => plain(DataType::Float64, Values::F64(Vec::new(), F64From::Money(column.money_digits))),
        oid::NUMERIC => numeric(column, settings.numeric),
        oid::TEXT | oid::VARCHAR | oid::BPCHAR | oid::NAME | oid::JSON | oid::XML => text(),
        oid::JSONB => plain(DataType::Utf8, Values::var(VarFrom::Jsonb)),
        oid::CHAR => plain(DataType::Utf8, Values::var(VarFrom::Char)),
        oid::UUID => plain(DataType::Utf8, Values::var(VarFrom::Uuid)),
        oid::BYTEA => plain(DataType::Binary, Values::var(VarFrom::Bytes)),
        oid::BIT => match column.modifier {
            -1 | 1 => plain(DataType::Boolean, Values::bool(BoolFrom::Bit)),
            2..=8 => plain(DataType::Int8, Values::I8(Vec::new(), I8From::Bits)),
            _ => plain(DataType::Binary, Values::var(VarFrom::Bits)),
        },
        oid::DATE => plain(DataType::Date32, Values::I32(Vec::new(), I32From::Date(settings.clock.calendar))),
        // The zone's offset on the first day of 1970 counts.
        oid::TIME => {
            plain(schema::time_type(), Values::I32(Vec::new(), I32From::Time(settings.clock.zone.offset_at(0))))
        }
        oid::TIMETZ => plain(schema::time_type(), Values::I32(Vec::new(), I32From::TimeWithZone)),
        oid::TIMESTAMP => timestamp(column, TimestampKind::WithoutZone, settings),
        oid::TIMESTAMPTZ => timestamp(column, TimestampKind::WithZone, settings),
        _ => return None,
    };
    Some(Plan { field, reader: ColumnReader::new(values, nullable) })
}

fn timestamp(column: &CatalogColumn, kind: TimestampKind, settings: TypeSettings) -> (Field, Values) {
    let clock = settings.clock;
    let (data_type, values) = match settings.granularity {
        Granularity::ConnectLogical => {
            (schema::timestamp_type(), Values::I64(Vec::new(), I64From::TimestampMillis(kind, clock)))
        }
        Granularity::MicrosLong => (DataType::Int64, Values::I64(Vec::new(), I64From::TimestampLong(kind, clock, 1))),
        Granularity::NanosLong => (DataType::Int64, Values::I64(Vec::new(), I64From::TimestampLong(kind, clock, 1000))),
        form => (DataType::Utf8, Values::var(VarFrom::Timestamp(kind, clock, form))),
    };
    (Field::new(&column.name, data_type, !column.not_null), values)
}

fn numeric(column: &CatalogColumn, mapping: NumericMapping) -> (Field, Values) {
    let nullable = !column.not_null;
    let bare = column.modifier < 4;
    let (precision, scale) = match bare {
        true => (0, 0),
        // The driver reads the scale without its sign: -2 is 2046.
        false => ((column.modifier - 4) >> 16 & 0xFFFF, (column.modifier - 4) & 0x7FF),
    };
    let plain = |data_type, values| (Field::new(&column.name, data_type, nullable), values);
    let double = match mapping {
        NumericMapping::None | NumericMapping::PrecisionOnly => false,
        NumericMapping::BestFit => scale > 0 && precision <= 18,
        NumericMapping::BestFitEagerDouble => scale > 0,
    };
    if double {
        return plain(DataType::Float64, Values::F64(Vec::new(), F64From::Numeric));
    }
    if mapping != NumericMapping::None && scale == 0 && precision <= 18 {
        return match precision {
            0..=2 => plain(DataType::Int8, Values::I8(Vec::new(), I8From::Numeric)),
            3..=4 => plain(DataType::Int16, Values::I16(Vec::new(), I16From::Numeric)),
            5..=9 => plain(DataType::Int32, Values::I32(Vec::new(), I32From::Numeric)),
            _ => plain(DataType::Int64, Values::I64(Vec::new(), I64From::Numeric)),
        };
    }
    let scale = if bare { 127 } else { scale };
    decimal(&column.name, precision, scale, nullable)
}

/// A Decimal in the narrowest array that holds every value of the column, with the parameter that tells its precision.
fn decimal(name: &str, precision: i32, scale: i32, nullable: bool) -> (Field, Values) {
    let (field, values) = match (precision, i8::try_from(scale)) {
        (1..=38, Ok(scale @ 0..=38)) => {
            (Field::new(name, DataType::Decimal128(38, scale), nullable), Values::I128(Vec::new(), scale))
        }
        (1..=76, Ok(scale @ 0..=76)) => {
            (Field::new(name, DataType::Decimal256(76, scale), nullable), Values::I256(Vec::new(), scale))
        }
        _ => (schema::binary_decimal_field(name, scale, nullable), Values::var(VarFrom::Decimal(scale))),
    };
    let mut parameters = match field.metadata().contains_key(schema::PARAMETERS) {
        true => schema::parameters(&field),
        false => Map::new(),
    };
    parameters.insert(schema::PRECISION.to_owned(), Value::from(precision.to_string()));
    (schema::with_meta(field, [(schema::PARAMETERS, Value::Object(parameters).to_string())]), values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::CalendarSystem;
    use crate::instant::Clock;
    use crate::zone::Zone;

    fn planned(modifier: i32, mapping: NumericMapping) -> DataType {
        let column = CatalogColumn {
            name: "n".to_owned(),
            type_oid: oid::NUMERIC,
            type_name: "numeric".to_owned(),
            is_enum: false,
            modifier,
            not_null: true,
            indexed: false,
            money_digits: 2,
        };
        let clock = Clock { zone: Zone::Utc, calendar: CalendarSystem::Legacy };
        let settings = TypeSettings { clock, granularity: Granularity::ConnectLogical, numeric: mapping };
        plan(&column, settings).unwrap().field.data_type().clone()
    }

    #[test]
    fn numeric_mappings() {
        use NumericMapping::{BestFit, BestFitEagerDouble, None, PrecisionOnly};
        let numeric = |precision: i32, scale: i32| (precision << 16 | scale & 0x7FF) + 4;
        for (modifier, mapping, expected) in [
            (numeric(2, 0), PrecisionOnly, DataType::Int8),
            (numeric(4, 0), BestFit, DataType::Int16),
            (numeric(9, 0), BestFitEagerDouble, DataType::Int32),
            (numeric(18, 0), PrecisionOnly, DataType::Int64),
            (numeric(19, 0), BestFit, DataType::Decimal128(38, 0)),
            (numeric(10, 2), PrecisionOnly, DataType::Decimal128(38, 2)),
            (numeric(10, 2), BestFit, DataType::Float64),
            (numeric(20, 2), BestFit, DataType::Decimal128(38, 2)),
            (numeric(20, 2), BestFitEagerDouble, DataType::Float64),
            (numeric(39, 2), None, DataType::Decimal256(76, 2)),
            (numeric(77, 2), None, DataType::Binary),
            (numeric(5, -2), None, DataType::Binary),
            (numeric(5, -2), BestFit, DataType::Float64),
            (-1, None, DataType::Binary),
            (-1, BestFit, DataType::Int8),
        ] {
            assert_eq!(planned(modifier, mapping), expected, "{modifier} {mapping:?}");
        }
    }
}
