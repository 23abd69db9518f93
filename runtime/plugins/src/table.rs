//! What is compiled in, by Java's class names.

use millstream_api::{ConfigDef, Converter, PluginInfo, Predicate};

use crate::converter::{self, Primitive, PrimitiveConverter};
use crate::transform::{
    Cast, DropHeaders, ExtractField, Filter, Flatten, HeaderFrom, HoistField, InsertField, InsertHeader, MaskField, On,
    Part, RegexRouter, ReplaceField, SetSchemaMetadata, Step, TimestampConverter, TimestampRouter, ValueToKey,
    settings,
};
use crate::{KAFKA_VERSION, header, predicate};

/// A plugin of one kind: what it is called, its settings, and how to make one.
pub(crate) struct Entry<T: ?Sized + 'static> {
    pub info: PluginInfo,
    pub def: fn() -> &'static ConfigDef,
    /// `None` for what is known by its settings only.
    pub make: Option<fn() -> Box<T>>,
}

const fn entry<T: ?Sized>(class: &'static str, def: fn() -> &'static ConfigDef, make: fn() -> Box<T>) -> Entry<T> {
    Entry { info: PluginInfo { class, aliases: &[], version: KAFKA_VERSION }, def, make: Some(make) }
}

const fn primitive(class: &'static str, make: fn() -> Box<dyn Converter>) -> Entry<dyn Converter> {
    entry(class, converter::primitive_def, make)
}

/// Converters, which are header converters too, by class name.
pub(crate) const CONVERTERS: &[Entry<dyn Converter>] = &[
    primitive("org.apache.kafka.connect.converters.BooleanConverter", || {
        Box::new(PrimitiveConverter::new(Primitive::Boolean))
    }),
    entry("org.apache.kafka.connect.converters.ByteArrayConverter", converter::byte_array_def, || {
        Box::new(converter::ByteArrayConverter)
    }),
    primitive("org.apache.kafka.connect.converters.DoubleConverter", || {
        Box::new(PrimitiveConverter::new(Primitive::Double))
    }),
    primitive("org.apache.kafka.connect.converters.FloatConverter", || {
        Box::new(PrimitiveConverter::new(Primitive::Float))
    }),
    primitive("org.apache.kafka.connect.converters.IntegerConverter", || {
        Box::new(PrimitiveConverter::new(Primitive::Integer))
    }),
    primitive("org.apache.kafka.connect.converters.LongConverter", || {
        Box::new(PrimitiveConverter::new(Primitive::Long))
    }),
    primitive("org.apache.kafka.connect.converters.ShortConverter", || {
        Box::new(PrimitiveConverter::new(Primitive::Short))
    }),
    entry("org.apache.kafka.connect.json.JsonConverter", converter::json_def, || {
        Box::new(converter::JsonConverter::new())
    }),
    entry("org.apache.kafka.connect.storage.StringConverter", converter::string_def, || {
        Box::new(converter::StringConverter::new())
    }),
];

const fn transform(
    class: &'static str,
    def: fn() -> &'static ConfigDef,
    make: Option<fn() -> Box<dyn Step>>,
) -> Entry<dyn Step> {
    Entry { info: PluginInfo { class, aliases: &[], version: KAFKA_VERSION }, def, make }
}

/// Transformations, by class name.
pub(crate) const TRANSFORMS: &[Entry<dyn Step>] = &[
    transform(
        "org.apache.kafka.connect.transforms.Cast$Key",
        || &settings::CAST,
        Some(|| Box::new(On::new(Part::Key, Cast::default()))),
    ),
    transform(
        "org.apache.kafka.connect.transforms.Cast$Value",
        || &settings::CAST,
        Some(|| Box::new(On::new(Part::Value, Cast::default()))),
    ),
    transform(
        "org.apache.kafka.connect.transforms.DropHeaders",
        || &settings::DROP_HEADERS,
        Some(|| Box::<DropHeaders>::default()),
    ),
    transform(
        "org.apache.kafka.connect.transforms.ExtractField$Key",
        || &settings::EXTRACT_FIELD,
        Some(|| Box::new(On::new(Part::Key, ExtractField::default()))),
    ),
    transform(
        "org.apache.kafka.connect.transforms.ExtractField$Value",
        || &settings::EXTRACT_FIELD,
        Some(|| Box::new(On::new(Part::Value, ExtractField::default()))),
    ),
    transform("org.apache.kafka.connect.transforms.Filter", || &settings::FILTER, Some(|| Box::<Filter>::default())),
    transform(
        "org.apache.kafka.connect.transforms.Flatten$Key",
        || &settings::FLATTEN,
        Some(|| Box::new(On::new(Part::Key, Flatten::default()))),
    ),
    transform(
        "org.apache.kafka.connect.transforms.Flatten$Value",
        || &settings::FLATTEN,
        Some(|| Box::new(On::new(Part::Value, Flatten::default()))),
    ),
    transform(
        "org.apache.kafka.connect.transforms.HeaderFrom$Key",
        || &settings::HEADER_FROM,
        Some(|| Box::new(HeaderFrom::new(Part::Key))),
    ),
    transform(
        "org.apache.kafka.connect.transforms.HeaderFrom$Value",
        || &settings::HEADER_FROM,
        Some(|| Box::new(HeaderFrom::new(Part::Value))),
    ),
    transform(
        "org.apache.kafka.connect.transforms.HoistField$Key",
        || &settings::HOIST_FIELD,
        Some(|| Box::new(HoistField::new(Part::Key))),
    ),
    transform(
        "org.apache.kafka.connect.transforms.HoistField$Value",
        || &settings::HOIST_FIELD,
        Some(|| Box::new(HoistField::new(Part::Value))),
    ),
    transform(
        "org.apache.kafka.connect.transforms.InsertField$Key",
        || &settings::INSERT_FIELD,
        Some(|| Box::new(On::new(Part::Key, InsertField::default()))),
    ),
    transform(
        "org.apache.kafka.connect.transforms.InsertField$Value",
        || &settings::INSERT_FIELD,
        Some(|| Box::new(On::new(Part::Value, InsertField::default()))),
    ),
    transform(
        "org.apache.kafka.connect.transforms.InsertHeader",
        || &settings::INSERT_HEADER,
        Some(|| Box::<InsertHeader>::default()),
    ),
    transform(
        "org.apache.kafka.connect.transforms.MaskField$Key",
        || &settings::MASK_FIELD,
        Some(|| Box::new(On::new(Part::Key, MaskField::default()))),
    ),
    transform(
        "org.apache.kafka.connect.transforms.MaskField$Value",
        || &settings::MASK_FIELD,
        Some(|| Box::new(On::new(Part::Value, MaskField::default()))),
    ),
    transform(
        "org.apache.kafka.connect.transforms.RegexRouter",
        || &settings::REGEX_ROUTER,
        Some(|| Box::<RegexRouter>::default()),
    ),
    transform(
        "org.apache.kafka.connect.transforms.ReplaceField$Key",
        || &settings::REPLACE_FIELD,
        Some(|| Box::new(On::new(Part::Key, ReplaceField::default()))),
    ),
    transform(
        "org.apache.kafka.connect.transforms.ReplaceField$Value",
        || &settings::REPLACE_FIELD,
        Some(|| Box::new(On::new(Part::Value, ReplaceField::default()))),
    ),
    transform(
        "org.apache.kafka.connect.transforms.SetSchemaMetadata$Key",
        || &settings::SET_SCHEMA_METADATA,
        Some(|| Box::new(On::new(Part::Key, SetSchemaMetadata::default()))),
    ),
    transform(
        "org.apache.kafka.connect.transforms.SetSchemaMetadata$Value",
        || &settings::SET_SCHEMA_METADATA,
        Some(|| Box::new(On::new(Part::Value, SetSchemaMetadata::default()))),
    ),
    transform(
        "org.apache.kafka.connect.transforms.TimestampConverter$Key",
        || &settings::TIMESTAMP_CONVERTER,
        Some(|| Box::new(On::new(Part::Key, TimestampConverter::default()))),
    ),
    transform(
        "org.apache.kafka.connect.transforms.TimestampConverter$Value",
        || &settings::TIMESTAMP_CONVERTER,
        Some(|| Box::new(On::new(Part::Value, TimestampConverter::default()))),
    ),
    transform(
        "org.apache.kafka.connect.transforms.TimestampRouter",
        || &settings::TIMESTAMP_ROUTER,
        Some(|| Box::<TimestampRouter>::default()),
    ),
    transform(
        "org.apache.kafka.connect.transforms.ValueToKey",
        || &settings::VALUE_TO_KEY,
        Some(|| Box::new(ValueToKey::default())),
    ),
];

/// Predicates, by class name.
pub(crate) const PREDICATES: &[Entry<dyn Predicate>] = &[
    entry(
        "org.apache.kafka.connect.transforms.predicates.HasHeaderKey",
        || &predicate::HAS_HEADER_KEY,
        || Box::new(predicate::HasHeaderKey::default()),
    ),
    entry(
        "org.apache.kafka.connect.transforms.predicates.RecordIsTombstone",
        || &predicate::RECORD_IS_TOMBSTONE,
        || Box::new(predicate::RecordIsTombstone),
    ),
    entry(
        "org.apache.kafka.connect.transforms.predicates.TopicNameMatches",
        || &predicate::TOPIC_NAME_MATCHES,
        || Box::new(predicate::TopicNameMatches::default()),
    ),
];

/// Header converters that are no converters, by class name.
pub(crate) const HEADER_CONVERTERS: &[Entry<dyn Converter>] = &[entry(
    "org.apache.kafka.connect.storage.SimpleHeaderConverter",
    || &header::SIMPLE_DEF,
    || Box::<header::SimpleHeaderConverter>::default(),
)];
