import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.ConfigValue;
import org.apache.kafka.connect.connector.ConnectRecord;
import org.apache.kafka.connect.transforms.Transformation;
import org.apache.kafka.connect.transforms.predicates.Predicate;

/**
 * What Kafka Connect's transformations and predicates make of records.
 *
 * <p>Each line of the input is a case, of the output its answer. {@code {"transform": class, "config": .., "input": record}} is
 * answered by {@code {"output": record or null}} or {@code {"stage": "configure" or "apply", "error": ..}}, the same with
 * {@code "predicate"} by {@code {"result": ..}}. Both have {@code "invalid"} beside: how many errors validation has for each key
 * that has any. A case that is itself wrong is answered by {@code {"unusable": ..}}.
 */
final class Transforms {
    private static final ObjectMapper MAPPER = new ObjectMapper();

    private Transforms() {}

    public static void main(String[] arguments) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream out = new PrintStream(System.out, false, "UTF-8");
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            out.println(MAPPER.writeValueAsString(answer(MAPPER.readTree(line))));
            // A line that the other side waits for must not stay here.
            if (!in.ready()) {
                out.flush();
            }
        }
        out.flush();
    }

    private static ObjectNode answer(JsonNode request) {
        ObjectNode answer = MAPPER.createObjectNode();
        Map<String, String> config = new LinkedHashMap<>();
        request.path("config").properties().forEach(
            entry -> config.put(entry.getKey(), entry.getValue().isNull() ? null : entry.getValue().asText()));
        ConnectRecord<?> record;
        Object plugin;
        try {
            record = Values.record(request.get("input"));
            String name = request.path(request.has("predicate") ? "predicate" : "transform").asText();
            plugin = Class.forName(name).getDeclaredConstructor().newInstance();
        } catch (Exception | StackOverflowError e) {
            return answer.put("unusable", String.valueOf(e));
        }
        String stage = "configure";
        try {
            answer.set("invalid", invalid(plugin, config));
            if (plugin instanceof Predicate) {
                Predicate<?> predicate = (Predicate<?>) plugin;
                predicate.configure(config);
                stage = "apply";
                answer.put("result", test(predicate, record));
            } else {
                Transformation<?> transformation = (Transformation<?>) plugin;
                transformation.configure(config);
                stage = "apply";
                answer.set("output", Values.write((ConnectRecord<?>) apply(transformation, record)));
            }
        } catch (Exception | StackOverflowError e) {
            answer.put("stage", stage);
            answer.set("error", Values.write(e));
        }
        return answer;
    }

    private static ObjectNode invalid(Object plugin, Map<String, String> config) {
        ConfigDef definition = plugin instanceof Predicate
            ? ((Predicate<?>) plugin).config()
            : ((Transformation<?>) plugin).config();
        ObjectNode out = MAPPER.createObjectNode();
        try {
            for (ConfigValue value : definition.validate(config)) {
                if (!value.errorMessages().isEmpty()) {
                    out.put(value.name(), value.errorMessages().size());
                }
            }
        } catch (Exception e) {
            out.put("thrown", String.valueOf(e));
        }
        return out;
    }

    @SuppressWarnings("unchecked")
    private static <R extends ConnectRecord<R>> R apply(Transformation<?> transformation, ConnectRecord<?> record) {
        return ((Transformation<R>) transformation).apply((R) record);
    }

    @SuppressWarnings("unchecked")
    private static <R extends ConnectRecord<R>> boolean test(Predicate<?> predicate, ConnectRecord<?> record) {
        return ((Predicate<R>) predicate).test((R) record);
    }
}
