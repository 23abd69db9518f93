//! The connector's keys: names, types, defaults, groups and order are those of Confluent's S3 sink 12.1.9.

use millstream_api::config::{ConfigDef, ConfigKey, ConfigType as T, Importance as I, Parsed, Width as W};

use super::words;

const CONNECTOR: &str = "Connector";
const SCHEMA: &str = "Schema";
const S3: &str = "S3";
const KEYS_AND_HEADERS: &str = "Keys and Headers";
const STORAGE: &str = "Storage";
const PARTITIONER: &str = "Partitioner";

/// Smallest part S3 takes, except for an object's last one.
pub(crate) const MIN_PART_SIZE: i64 = 5 * 1024 * 1024;

/// All keys, in the order of the REST answers.
pub(crate) fn config_def() -> ConfigDef {
    let def = connector_keys(ConfigDef::new());
    let def = s3_keys(def);
    let def = key_and_header_keys(def);
    storage_and_partitioner_keys(def)
}

fn connector_keys(def: ConfigDef) -> ConfigDef {
    def.key(
        ConfigKey::required("format.class", T::Class, I::High, "Format of the files.")
            .shown(CONNECTOR, 1, W::None, "Format class")
            .recommend(words::FORMATS),
    )
    .key(
        ConfigKey::required(
            "flush.size",
            T::Int,
            I::High,
            "Records of a topic partition after which its files are closed and uploaded.",
        )
        .shown(CONNECTOR, 2, W::Long, "Flush size"),
    )
    .key(
        ConfigKey::with_default(
            "rotate.interval.ms",
            T::Long,
            -1,
            I::High,
            "Span of record time after which files are closed. Counts only with a time-based partitioner.",
        )
        .shown(CONNECTOR, 3, W::Medium, "Rotate interval (ms)"),
    )
    .key(
        ConfigKey::with_default(
            "rotate.schedule.interval.ms",
            T::Long,
            -1,
            I::Medium,
            "Period of the wall clock, counted from midnight, after which files are closed. -1: never.",
        )
        .shown(CONNECTOR, 4, W::Medium, "Rotate schedule interval (ms)"),
    )
    .key(
        ConfigKey::with_default(
            "schemas.cache.config",
            T::Int,
            1000,
            I::Low,
            "Accepted for compatibility; not needed.",
        )
        .shown(CONNECTOR, 5, W::Long, "Schema cache size"),
    )
    .key(
        ConfigKey::with_default(
            "enhanced.avro.schema.support",
            T::Boolean,
            true,
            I::Low,
            "Keeps enums and namespaces in Avro files. Changes nothing in Parquet files.",
        )
        .shown(CONNECTOR, 6, W::Short, "Enhanced Avro support"),
    )
    .key(
        ConfigKey::with_default(
            "connect.meta.data",
            T::Boolean,
            true,
            I::Low,
            "Keeps Connect's properties in Avro schemas. Changes nothing in Parquet files.",
        )
        .shown(CONNECTOR, 7, W::Short, "Connect metadata"),
    )
    .key(
        ConfigKey::with_default(
            "retry.backoff.ms",
            T::Long,
            5000,
            I::Low,
            "Wait before records are offered again after S3 could not take more for the moment.",
        )
        .shown(CONNECTOR, 8, W::Medium, "Retry back-off (ms)"),
    )
    .key(
        ConfigKey::with_default(
            "filename.offset.zero.pad.width",
            T::Int,
            10,
            I::Low,
            "Digits of the start offset in object names.",
        )
        .shown(CONNECTOR, 10, W::Long, "Offset digits")
        .at_least(0),
    )
    .key(
        ConfigKey::with_default("avro.codec", T::String, "null", I::Low, "Compression of Avro files.")
            .shown(CONNECTOR, 11, W::Medium, "Avro codec")
            .one_of(["null", "deflate", "snappy", "bzip2"]),
    )
    .key(
        ConfigKey::with_default(
            "allow.optional.map.keys",
            T::Boolean,
            false,
            I::Low,
            "Writes maps with optional text keys as maps, not as lists of pairs.",
        )
        .shown(CONNECTOR, 12, W::Short, "Optional map keys"),
    )
    .key(
        ConfigKey::with_default(
            "schema.compatibility",
            T::String,
            "NONE",
            I::High,
            "What a change of schema within a partition does. NONE: each change closes the file.",
        )
        .shown(SCHEMA, 1, W::Short, "Schema compatibility")
        .recommend(words::COMPATIBILITY),
    )
    .key(
        ConfigKey::with_default("parquet.codec", T::String, "snappy", I::Low, "Compression of Parquet files.")
            .shown(CONNECTOR, 13, W::Medium, "Parquet codec")
            .one_of(["none", "gzip", "snappy", "lz4", "brotli", "lz4_raw", "zstd", "lzo"]),
    )
}

fn s3_keys(def: ConfigDef) -> ConfigDef {
    let def = s3_object_keys(def);
    let def = s3_request_keys(def);
    let def = s3_record_keys(def);
    def.key(ConfigKey::with_default(
        "max.files.scan.limit",
        T::Int,
        100,
        I::Low,
        "Names looked at after a conflict of conditional writes.",
    ))
}

fn s3_object_keys(def: ConfigDef) -> ConfigDef {
    def.key(
        ConfigKey::required("s3.bucket.name", T::String, I::High, "Bucket that takes the files; it must exist.").shown(
            S3,
            1,
            W::Long,
            "S3 bucket",
        ),
    )
    .key(
        ConfigKey::with_default("s3.object.tagging", T::Boolean, false, I::Low, "Tags objects with their offsets.")
            .shown(S3, 2, W::Long, "Object tagging"),
    )
    .key(
        ConfigKey::with_default(
            "s3.object.tagging.key.value.pairs",
            T::List,
            "",
            I::Low,
            "More tags, each as key:value.",
        )
        .shown(S3, 3, W::Long, "More tags"),
    )
    .key(
        ConfigKey::with_default(
            "s3.object.behavior.on.tagging.error",
            T::String,
            "ignore",
            I::Low,
            "What a failed tagging does: ignore or fail.",
        )
        .shown(S3, 4, W::Short, "Tagging errors")
        .check(words::any_case(&["ignore", "fail"])),
    )
    .key(
        ConfigKey::with_default(
            "s3.region",
            T::String,
            words::DEFAULT_REGION,
            I::Medium,
            "Region of the bucket. Not given: AWS_REGION or AWS_DEFAULT_REGION, else us-west-2.",
        )
        .shown(S3, 5, W::Long, "S3 region")
        .recommend(words::REGIONS)
        .check(|value| match value {
            Parsed::Text(text) if text.is_empty() => Err("Region must not be empty".to_owned()),
            _ => Ok(()),
        }),
    )
    .key(
        ConfigKey::with_default(
            "s3.part.size",
            T::Int,
            26_214_400,
            I::High,
            "Bytes of a part: larger files are uploaded in parts of this size, smaller ones in one request.",
        )
        .shown(S3, 6, W::Long, "S3 part size")
        .between(MIN_PART_SIZE, i64::from(i32::MAX)),
    )
    .key(
        ConfigKey::with_default(
            "s3.credentials.provider.class",
            T::Class,
            words::DEFAULT_CREDENTIALS,
            I::Low,
            "Where credentials come from when none are given here; the default is AWS's usual chain.",
        )
        .shown(S3, 7, W::Long, "Credentials provider"),
    )
    .key(
        ConfigKey::with_default("aws.access.key.id", T::String, "", I::High, "Access key; needs the secret too.")
            .shown(S3, 8, W::Long, "AWS access key"),
    )
    .key(ConfigKey::with_default("aws.secret.access.key", T::Password, "", I::High, "Secret of the access key.").shown(
        S3,
        9,
        W::Long,
        "AWS secret key",
    ))
    .key(
        ConfigKey::with_default("s3.ssea.name", T::String, "", I::Low, "Server-side encryption.")
            .shown(S3, 10, W::Long, "Server-side encryption")
            .one_of(["", "AES256", "aws:kms", "aws:kms:dsse"])
            .recommend(["AES256", "aws:kms", "aws:kms:dsse"]),
    )
    .key(
        ConfigKey::with_default(
            "s3.sse.customer.key",
            T::Password,
            "",
            I::Low,
            "Customer key of server-side encryption with AES256: 32 bytes in base64.",
        )
        .shown(S3, 11, W::Long, "Customer key"),
    )
    .key(
        ConfigKey::with_default("s3.sse.kms.key.id", T::String, "", I::Low, "KMS key of server-side encryption.")
            .shown(S3, 12, W::Long, "KMS key"),
    )
    .key(
        ConfigKey::nullable("s3.acl.canned", T::String, I::Low, "Canned access control list of the objects.")
            .shown(S3, 13, W::Long, "Canned ACL")
            .one_of(words::CANNED_ACLS)
            .recommend([]),
    )
    .key(ConfigKey::with_default("s3.wan.mode", T::Boolean, false, I::Medium, "Transfer acceleration.").shown(
        S3,
        14,
        W::Long,
        "Accelerated endpoint",
    ))
    .key(
        ConfigKey::with_default(
            "s3.compression.type",
            T::String,
            "none",
            I::Low,
            "Compression of JSON and bytes files.",
        )
        .shown(S3, 15, W::Long, "Compression")
        .one_of(["none", "gzip"])
        .recommend([]),
    )
    .key(
        ConfigKey::with_default("s3.compression.level", T::Int, -1, I::Low, "Level of that compression.")
            .shown(S3, 16, W::Long, "Compression level")
            .between(-1, 9)
            .recommend(["-1", "0", "1", "2", "3", "4", "5", "6", "7", "8"]),
    )
}

fn s3_request_keys(def: ConfigDef) -> ConfigDef {
    def.key(
        ConfigKey::with_default("json.decimal.format", T::String, "BASE64", I::Medium, "Decimals in JSON files.")
            .shown(S3, 17, W::Medium, "Decimals in JSON")
            .check(words::any_case(&["BASE64", "NUMERIC"])),
    )
    .key(
        ConfigKey::with_default(
            "s3.part.retries",
            T::Int,
            3,
            I::Medium,
            "Quick tries of a request before it counts as failing.",
        )
        .shown(S3, 18, W::Long, "Tries")
        .at_least(0),
    )
    .key(
        ConfigKey::with_default("s3.retry.backoff.ms", T::Long, 200, I::Low, "Wait before the second try; it grows.")
            .shown(S3, 19, W::Short, "Retry back-off (ms)")
            .at_least(0),
    )
    .key(
        ConfigKey::with_default(
            "format.bytearray.extension",
            T::String,
            ".bin",
            I::Low,
            "Ending of the names of bytes files.",
        )
        .shown(S3, 20, W::Long, "Bytes file ending"),
    )
    .key(
        ConfigKey::nullable("format.bytearray.separator", T::String, I::Low, "Text between records of bytes files.")
            .shown(S3, 21, W::Long, "Bytes separator"),
    )
    .key(ConfigKey::with_default("s3.proxy.url", T::String, "", I::Low, "HTTP proxy.").shown(
        S3,
        22,
        W::Long,
        "Proxy URL",
    ))
    .key(ConfigKey::nullable("s3.proxy.user", T::String, I::Low, "User at the proxy.").shown(
        S3,
        23,
        W::Long,
        "Proxy user",
    ))
    .key(ConfigKey::with_default("s3.proxy.password", T::Password, "", I::Low, "Password at the proxy.").shown(
        S3,
        24,
        W::Long,
        "Proxy password",
    ))
    .key(
        ConfigKey::with_default(
            "s3.http.send.expect.continue",
            T::Boolean,
            true,
            I::Low,
            "Accepted for compatibility; requests are sent without it.",
        )
        .shown(S3, 25, W::Short, "Expect: 100-continue"),
    )
}

fn s3_record_keys(def: ConfigDef) -> ConfigDef {
    def.key(
        ConfigKey::with_default(
            "behavior.on.null.values",
            T::String,
            "fail",
            I::Low,
            "What a record without a value does: fail, or ignore (it is skipped).",
        )
        .shown(S3, 26, W::Short, "Null values")
        .check(words::any_case(&["ignore", "fail", "write"])),
    )
    .key(
        ConfigKey::with_default(
            "report.null.values.to.dlq",
            T::Boolean,
            true,
            I::Low,
            "Also reports ignored null values to the dead letter queue.",
        )
        .shown(S3, 27, W::Short, "Report null values"),
    )
    .key(
        ConfigKey::with_default(
            "max.write.duration.ms",
            T::Long,
            i64::MAX,
            I::Low,
            "Accepted for compatibility: uploads never hold up the consumer.",
        )
        .shown(S3, 28, W::Short, "Longest write"),
    )
    .key(
        ConfigKey::with_default(
            "rotate.file.on.partition.change",
            T::Boolean,
            true,
            I::Low,
            "With a time-based partitioner and rotate.interval.ms: another output directory closes the files.",
        )
        .shown(S3, 29, W::Short, "Rotate on directory change"),
    )
    .key(
        ConfigKey::with_default(
            "tombstone.encoded.partition",
            T::String,
            "tombstone",
            I::Low,
            "Directory of written null values.",
        )
        .shown(S3, 30, W::Short, "Directory of null values"),
    )
    .key(
        ConfigKey::with_default(
            "s3.schema.partition.affix.type",
            T::String,
            "NONE",
            I::Low,
            "Adds the schema's name to the directory, before or after the partition.",
        )
        .shown(S3, 31, W::Long, "Schema name in directory")
        .one_of(["SUFFIX", "PREFIX", "NONE"]),
    )
    .key(
        ConfigKey::with_default("s3.send.digest", T::Boolean, false, I::Low, "Sends a checksum with each part.").shown(
            S3,
            32,
            W::Short,
            "Checksums",
        ),
    )
    .key(
        ConfigKey::with_default(
            "enable.conditional.writes",
            T::Boolean,
            true,
            I::Low,
            "With scheduled rotation: never overwrite an object.",
        )
        .shown(S3, 33, W::Short, "Conditional writes"),
    )
}

fn key_and_header_keys(def: ConfigDef) -> ConfigDef {
    def.key(
        ConfigKey::with_default("store.kafka.keys", T::Boolean, false, I::Low, "Also writes a file of keys.")
            .shown(KEYS_AND_HEADERS, 1, W::Short, "Store keys")
            .dependents(["keys.format.class"]),
    )
    .key(
        ConfigKey::with_default("store.kafka.headers", T::Boolean, false, I::Low, "Also writes a file of headers.")
            .shown(KEYS_AND_HEADERS, 2, W::Short, "Store headers")
            .dependents(["headers.format.class"]),
    )
    .key(
        ConfigKey::with_default("keys.format.class", T::Class, words::AVRO_FORMAT, I::Low, "Format of key files.")
            .shown(KEYS_AND_HEADERS, 3, W::None, "Keys format class")
            .recommend(words::FORMATS),
    )
    .key(
        ConfigKey::with_default(
            "headers.format.class",
            T::Class,
            words::AVRO_FORMAT,
            I::Low,
            "Format of header files.",
        )
        .shown(KEYS_AND_HEADERS, 4, W::None, "Headers format class")
        .recommend([words::AVRO_FORMAT, words::JSON_FORMAT, words::PARQUET_FORMAT]),
    )
    .key(
        ConfigKey::with_default(
            "s3.path.style.access.enabled",
            T::Boolean,
            true,
            I::Low,
            "Puts the bucket in the path of the URL, not in the host name.",
        )
        .shown(KEYS_AND_HEADERS, 5, W::Short, "Path style"),
    )
    .key(
        ConfigKey::with_default(
            "s3.elastic.buffer.enable",
            T::Boolean,
            false,
            I::Low,
            "Accepted for compatibility: buffers always grow as needed.",
        )
        .shown(KEYS_AND_HEADERS, 6, W::Long, "Elastic buffer"),
    )
    .key(
        ConfigKey::with_default(
            "s3.elastic.buffer.init.capacity",
            T::Int,
            131_072,
            I::Low,
            "Accepted for compatibility; not needed.",
        )
        .shown(KEYS_AND_HEADERS, 7, W::Long, "Elastic buffer capacity")
        .at_least(4096),
    )
    .key(ConfigKey::with_default(
        "partitioner.max.open.files",
        T::Int,
        -1,
        I::Low,
        "Open files of a topic partition after which all are closed; below 1: no limit.",
    ))
}

fn storage_and_partitioner_keys(def: ConfigDef) -> ConfigDef {
    def.key(
        ConfigKey::required("storage.class", T::Class, I::High, "Storage; S3Storage is the only one.")
            .shown(STORAGE, 1, W::None, "Storage class")
            .recommend([words::S3_STORAGE]),
    )
    .key(ConfigKey::with_default("topics.dir", T::String, "topics", I::High, "First directory of object names.").shown(
        STORAGE,
        2,
        W::None,
        "Topics directory",
    ))
    .key(
        ConfigKey::nullable(
            "store.url",
            T::String,
            I::High,
            "Endpoint of an S3-compatible store; https when no scheme is given.",
        )
        .shown(STORAGE, 3, W::None, "Store URL"),
    )
    .key(ConfigKey::with_default("directory.delim", T::String, "/", I::Medium, "Text between directories.").shown(
        STORAGE,
        4,
        W::Long,
        "Directory delimiter",
    ))
    .key(
        ConfigKey::with_default("file.delim", T::String, "+", I::Medium, "Text between the parts of a file name.")
            .shown(STORAGE, 5, W::Long, "File delimiter"),
    )
    .key(
        ConfigKey::with_default(
            "partitioner.class",
            T::Class,
            words::DEFAULT_PARTITIONER,
            I::High,
            "Which directory a record goes to.",
        )
        .shown(PARTITIONER, 1, W::Long, "Partitioner class")
        .dependents(["partition.field.name", "partition.duration.ms", "path.format", "locale", "timezone"])
        .recommend(words::PARTITIONERS),
    )
    .key(
        ConfigKey::with_default("partition.field.name", T::List, "", I::Medium, "Fields of the FieldPartitioner.")
            .shown(PARTITIONER, 2, W::None, "Partition fields")
            .check(words::field_names),
    )
    .key(ConfigKey::with_default("partition.duration.ms", T::Long, -1, I::Medium, "Length of a time directory.").shown(
        PARTITIONER,
        3,
        W::Long,
        "Partition duration (ms)",
    ))
    .key(ConfigKey::with_default("path.format", T::String, "", I::Medium, "Pattern of time directories.").shown(
        PARTITIONER,
        4,
        W::Long,
        "Path format",
    ))
    .key(ConfigKey::with_default("locale", T::String, "", I::Medium, "Language of names in time directories.").shown(
        PARTITIONER,
        5,
        W::Long,
        "Locale",
    ))
    .key(
        ConfigKey::with_default("timezone", T::String, "", I::Medium, "Time zone of time directories.")
            .shown(PARTITIONER, 6, W::Long, "Timezone")
            .check(words::time_zone),
    )
    .key(ConfigKey::with_default("timestamp.extractor", T::String, "Wallclock", I::Medium, "Which time counts.").shown(
        PARTITIONER,
        7,
        W::Long,
        "Timestamp extractor",
    ))
    .key(
        ConfigKey::with_default(
            "timestamp.field",
            T::String,
            "timestamp",
            I::Medium,
            "Field of the RecordField extractor.",
        )
        .shown(PARTITIONER, 8, W::Long, "Timestamp field"),
    )
}
