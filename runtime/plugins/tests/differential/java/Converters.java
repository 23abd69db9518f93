import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.storage.Converter;
import org.apache.kafka.connect.storage.HeaderConverter;

/**
 * Converters of Kafka Connect, asked case by case: a JSON object a line in, its answer a line out.
 *
 * A case names the class (converter), what it is used as (as: key, value, header), its settings (config) and the direction (op):
 * to_connect takes bytes_base64 and answers schema and value, from_connect takes these and answers bytes_base64, again does both
 * in turn with the bytes; the second by the converter that then names, if it is there. A value too deep to be told is answered as ok. What is thrown is answered as error, with class and message.
 */
public class Converters {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Map<String, Object> MADE = new HashMap<>();

    public static void main(String[] args) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        BufferedWriter out = new BufferedWriter(new OutputStreamWriter(System.out, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            out.write(JSON.writeValueAsString(answer(JSON.readTree(line))));
            out.write('\n');
        }
        out.flush();
    }

    private static ObjectNode answer(JsonNode asked) {
        ObjectNode answer = JsonNodeFactory.instance.objectNode();
        try {
            Object made = made(asked);
            SchemaAndValue read = null;
            String op = asked.get("op").asText();
            if (!op.equals("from_connect")) {
                JsonNode bytes = asked.get("bytes_base64");
                read = read(made, bytes == null || bytes.isNull() ? null : bytes.binaryValue());
            } else {
                Schema schema = Values.schema(asked.get("schema"));
                read = new SchemaAndValue(schema, Values.value(asked.get("value"), schema));
            }
            if (op.equals("to_connect")) {
                answer.set("schema", Values.write(read.schema()));
                answer.set("value", Values.write(read.value()));
                if (deeper(answer, 100)) {
                    answer.removeAll();
                    answer.put("ok", true);
                }
            } else {
                byte[] bytes = write(asked.has("then") ? made(asked.get("then")) : made, read);
                if (bytes == null) {
                    answer.putNull("bytes_base64");
                } else {
                    answer.put("bytes_base64", bytes);
                }
            }
        } catch (Throwable e) {
            answer.removeAll();
            answer.set("error", Values.write(e));
        }
        return answer;
    }

    private static boolean deeper(JsonNode node, int levels) {
        for (JsonNode child : node) {
            if (levels == 0 || deeper(child, levels - 1)) {
                return true;
            }
        }
        return false;
    }

    private static SchemaAndValue read(Object made, byte[] bytes) {
        SchemaAndValue read = made instanceof Converter
            ? ((Converter) made).toConnectData("t", bytes)
            : ((HeaderConverter) made).toConnectHeader("t", "h", bytes);
        return read == null ? SchemaAndValue.NULL : read;
    }

    private static byte[] write(Object made, SchemaAndValue what) {
        return made instanceof Converter
            ? ((Converter) made).fromConnectData("t", what.schema(), what.value())
            : ((HeaderConverter) made).fromConnectHeader("t", "h", what.schema(), what.value());
    }

    /** The converter, configured; one for all cases that ask for the same. Those for headers are asked as such. */
    private static Object made(JsonNode asked) throws Exception {
        String as = asked.get("as").asText();
        JsonNode config = asked.get("config");
        String key = asked.get("converter").asText() + " " + as + " " + config;
        Object known = MADE.get(key);
        if (known != null) {
            return known;
        }
        Object made = Class.forName(asked.get("converter").asText()).getDeclaredConstructor().newInstance();
        Map<String, Object> settings = new HashMap<>();
        if (config != null) {
            for (Iterator<Map.Entry<String, JsonNode>> entries = config.fields(); entries.hasNext();) {
                Map.Entry<String, JsonNode> entry = entries.next();
                settings.put(entry.getKey(), entry.getValue().isNull() ? null : entry.getValue().asText());
            }
        }
        if (as.equals("header")) {
            settings.put("converter.type", "header");
            HeaderConverter header = (HeaderConverter) made;
            header.configure(settings);
            made = new HeaderConverter() {
                @Override public SchemaAndValue toConnectHeader(String topic, String name, byte[] value) {
                    return header.toConnectHeader(topic, name, value);
                }
                @Override public byte[] fromConnectHeader(String topic, String name, Schema schema, Object value) {
                    return header.fromConnectHeader(topic, name, schema, value);
                }
                @Override public org.apache.kafka.common.config.ConfigDef config() {
                    return header.config();
                }
                @Override public void configure(Map<String, ?> configs) { }
                @Override public void close() { }
            };
        } else {
            ((Converter) made).configure(settings, as.equals("key"));
        }
        MADE.put(key, made);
        return made;
    }
}
