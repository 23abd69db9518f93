import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.connect.connector.ConnectRecord;
import org.apache.kafka.connect.data.Field;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.header.ConnectHeaders;
import org.apache.kafka.connect.header.Header;
import org.apache.kafka.connect.header.Headers;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.source.SourceRecord;

/** Kafka Connect's schemas, values and records as the JSON that recorded cases are written in, both ways. */
final class Values {
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    private Values() {}

    /** A schema; null for none. */
    static Schema schema(JsonNode node) {
        if (absent(node)) {
            return null;
        }
        Schema.Type type = Schema.Type.valueOf(node.get("type").asText());
        SchemaBuilder builder;
        switch (type) {
            case ARRAY:
                Schema items = schema(node.get("items"));
                builder = items == null ? new SchemaBuilder(type) : SchemaBuilder.array(items);
                break;
            case MAP:
                Schema keys = schema(node.get("keys"));
                Schema values = schema(node.get("values"));
                builder = keys == null || values == null ? new SchemaBuilder(type) : SchemaBuilder.map(keys, values);
                break;
            case STRUCT:
                builder = SchemaBuilder.struct();
                for (JsonNode field : node.get("fields")) {
                    builder.field(field.get("field").asText(), schema(field.get("schema")));
                }
                break;
            default:
                builder = SchemaBuilder.type(type);
        }
        if (node.path("optional").asBoolean(false)) {
            builder.optional();
        }
        if (!absent(node.get("name"))) {
            builder.name(node.get("name").asText());
        }
        if (!absent(node.get("version"))) {
            builder.version(node.get("version").asInt());
        }
        if (!absent(node.get("doc"))) {
            builder.doc(node.get("doc").asText());
        }
        if (!absent(node.get("parameters"))) {
            node.get("parameters").properties().forEach(e -> builder.parameter(e.getKey(), e.getValue().asText()));
        }
        if (!absent(node.get("default"))) {
            builder.defaultValue(value(node.get("default"), builder));
        }
        return builder.build();
    }

    /** A value; structs in it take their schema from the one given. */
    static Object value(JsonNode node, Schema schema) {
        if (absent(node)) {
            return null;
        }
        JsonNode v = node.get("v");
        switch (node.get("t").asText()) {
            case "int8":
                return (byte) v.asInt();
            case "int16":
                return (short) v.asInt();
            case "int32":
                return v.asInt();
            case "int64":
                return v.asLong();
            case "float32":
                return node.has("bits")
                    ? (Object) Float.intBitsToFloat(Integer.parseUnsignedInt(node.get("bits").asText(), 16))
                    : (Object) Float.valueOf(v.asText());
            case "float64":
                return node.has("bits")
                    ? (Object) Double.longBitsToDouble(Long.parseUnsignedLong(node.get("bits").asText(), 16))
                    : (Object) Double.valueOf(v.asText());
            case "boolean":
                return v.asBoolean();
            case "string":
                return v.asText();
            case "bytes":
                byte[] bytes = Base64.getDecoder().decode(v.asText());
                return node.path("buffer").asBoolean(false) ? ByteBuffer.wrap(bytes) : bytes;
            case "decimal":
                return new BigDecimal(new BigInteger(node.get("unscaled").asText()), node.get("scale").asInt());
            case "date":
                return new Date(node.get("ms").asLong());
            case "bigint":
                return new BigInteger(v.asText());
            case "uuid":
                return UUID.fromString(v.asText());
            case "array":
                List<Object> list = new ArrayList<>();
                for (JsonNode item : v) {
                    list.add(value(item, of(schema, Schema.Type.ARRAY) ? schema.valueSchema() : null));
                }
                return list;
            case "map":
                Map<Object, Object> map = new LinkedHashMap<>();
                boolean typed = of(schema, Schema.Type.MAP);
                for (JsonNode entry : v) {
                    Object key = value(entry.get(0), typed ? schema.keySchema() : null);
                    map.put(key, value(entry.get(1), typed ? schema.valueSchema() : null));
                }
                return map;
            case "struct":
                Struct struct = new Struct(schema);
                v.properties().forEach(entry -> {
                    Field field = schema.field(entry.getKey());
                    struct.put(field, value(entry.getValue(), field.schema()));
                });
                return struct;
            default:
                throw new IllegalArgumentException("no kind of value: " + node);
        }
    }

    /** A record of a source ("kind": "source") or a sink. */
    static ConnectRecord<?> record(JsonNode node) {
        Schema keySchema = schema(node.get("key_schema"));
        Object key = value(node.get("key"), keySchema);
        Schema valueSchema = schema(node.get("value_schema"));
        Object value = value(node.get("value"), valueSchema);
        String topic = absent(node.get("topic")) ? null : node.get("topic").asText();
        Integer partition = absent(node.get("partition")) ? null : node.get("partition").asInt();
        Long timestamp = absent(node.get("timestamp")) ? null : node.get("timestamp").asLong();
        Headers headers = new ConnectHeaders();
        for (JsonNode header : node.path("headers")) {
            Schema schema = schema(header.get("schema"));
            headers.add(header.get("key").asText(), value(header.get("value"), schema), schema);
        }
        if (node.path("kind").asText().equals("source")) {
            return new SourceRecord(
                Map.of(), Map.of(), topic, partition, keySchema, key, valueSchema, value, timestamp, headers);
        }
        TimestampType type = TimestampType.valueOf(node.path("timestamp_type").asText("CREATE_TIME"));
        return new SinkRecord(
            topic, partition, keySchema, key, valueSchema, value, node.get("offset").asLong(), timestamp, type, headers);
    }

    static JsonNode write(ConnectRecord<?> record) {
        if (record == null) {
            return JSON.nullNode();
        }
        ObjectNode out = JSON.objectNode();
        out.put("kind", record instanceof SinkRecord ? "sink" : "source");
        out.put("topic", record.topic());
        out.put("partition", record.kafkaPartition());
        if (record instanceof SinkRecord) {
            out.put("offset", ((SinkRecord) record).kafkaOffset());
            out.put("timestamp_type", ((SinkRecord) record).timestampType().name());
        }
        out.put("timestamp", record.timestamp());
        out.set("key_schema", write(record.keySchema()));
        out.set("key", write(record.key()));
        out.set("value_schema", write(record.valueSchema()));
        out.set("value", write(record.value()));
        ArrayNode headers = out.putArray("headers");
        for (Header header : record.headers()) {
            ObjectNode node = headers.addObject();
            node.put("key", header.key());
            node.set("schema", write(header.schema()));
            node.set("value", write(header.value()));
        }
        return out;
    }

    static JsonNode write(Schema schema) {
        if (schema == null) {
            return JSON.nullNode();
        }
        ObjectNode out = JSON.objectNode();
        out.put("type", schema.type().name());
        out.put("optional", schema.isOptional());
        if (schema.name() != null) {
            out.put("name", schema.name());
        }
        if (schema.version() != null) {
            out.put("version", schema.version());
        }
        if (schema.doc() != null) {
            out.put("doc", schema.doc());
        }
        if (schema.parameters() != null && !schema.parameters().isEmpty()) {
            ObjectNode parameters = out.putObject("parameters");
            schema.parameters().forEach(parameters::put);
        }
        if (schema.defaultValue() != null) {
            out.set("default", write(schema.defaultValue()));
        }
        switch (schema.type()) {
            case ARRAY:
                out.set("items", write(schema.valueSchema()));
                break;
            case MAP:
                out.set("keys", write(schema.keySchema()));
                out.set("values", write(schema.valueSchema()));
                break;
            case STRUCT:
                ArrayNode fields = out.putArray("fields");
                for (Field field : schema.fields()) {
                    ObjectNode node = fields.addObject();
                    node.put("field", field.name());
                    node.set("schema", write(field.schema()));
                }
                break;
            default:
        }
        return out;
    }

    /** A value by its class. A field of a struct that was never set is null, whatever its default. */
    static JsonNode write(Object value) {
        if (value == null) {
            return JSON.nullNode();
        }
        if (value instanceof Byte) {
            return tagged("int8").put("v", (Byte) value);
        }
        if (value instanceof Short) {
            return tagged("int16").put("v", (Short) value);
        }
        if (value instanceof Integer) {
            return tagged("int32").put("v", (Integer) value);
        }
        if (value instanceof Long) {
            return tagged("int64").put("v", (Long) value);
        }
        if (value instanceof Float) {
            float number = (Float) value;
            return Float.isNaN(number) || Float.isInfinite(number)
                ? tagged("float32").put("v", value.toString())
                : tagged("float32").put("v", number).put("bits", String.format("%08x", Float.floatToRawIntBits(number)));
        }
        if (value instanceof Double) {
            double number = (Double) value;
            return Double.isNaN(number) || Double.isInfinite(number)
                ? tagged("float64").put("v", value.toString())
                : tagged("float64").put("v", number).put("bits", String.format("%016x", Double.doubleToRawLongBits(number)));
        }
        if (value instanceof Boolean) {
            return tagged("boolean").put("v", (Boolean) value);
        }
        if (value instanceof String) {
            return tagged("string").put("v", (String) value);
        }
        if (value instanceof byte[]) {
            return tagged("bytes").put("v", Base64.getEncoder().encodeToString((byte[]) value));
        }
        if (value instanceof ByteBuffer) {
            ByteBuffer buffer = ((ByteBuffer) value).duplicate();
            byte[] bytes = new byte[buffer.remaining()];
            buffer.get(bytes);
            return tagged("bytes").put("v", Base64.getEncoder().encodeToString(bytes)).put("buffer", true);
        }
        if (value instanceof BigDecimal) {
            BigDecimal number = (BigDecimal) value;
            return tagged("decimal").put("unscaled", number.unscaledValue().toString()).put("scale", number.scale());
        }
        if (value instanceof Date) {
            return tagged("date").put("ms", ((Date) value).getTime());
        }
        if (value instanceof BigInteger) {
            return tagged("bigint").put("v", value.toString());
        }
        if (value instanceof UUID) {
            return tagged("uuid").put("v", value.toString());
        }
        if (value instanceof List) {
            ObjectNode out = tagged("array");
            ArrayNode items = out.putArray("v");
            for (Object item : (List<?>) value) {
                items.add(write(item));
            }
            return out;
        }
        if (value instanceof Map) {
            ObjectNode out = tagged("map");
            ArrayNode entries = out.putArray("v");
            for (Map.Entry<?, ?> entry : ((Map<?, ?>) value).entrySet()) {
                entries.addArray().add(write(entry.getKey())).add(write(entry.getValue()));
            }
            return out;
        }
        if (value instanceof Struct) {
            Struct struct = (Struct) value;
            ObjectNode out = tagged("struct");
            ObjectNode fields = out.putObject("v");
            for (Field field : struct.schema().fields()) {
                fields.set(field.name(), write(struct.getWithoutDefault(field.name())));
            }
            return out;
        }
        return tagged("other").put("v", value.getClass().getName());
    }

    /** An exception as recorded cases name it. */
    static ObjectNode write(Throwable thrown) {
        ObjectNode out = JSON.objectNode();
        out.put("class", thrown.getClass().getName());
        out.put("message", thrown.getMessage());
        return out;
    }

    private static boolean of(Schema schema, Schema.Type type) {
        return schema != null && schema.type() == type;
    }

    private static boolean absent(JsonNode node) {
        return node == null || node.isNull();
    }

    private static ObjectNode tagged(String kind) {
        return JSON.objectNode().put("t", kind);
    }
}
